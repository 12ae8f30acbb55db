"""Textures: small grey tiles that repeat over every surface, and the noise they are made of.

Everything here is integer arithmetic on numbers from a seeded PCG64 generator, so that every
machine draws the same tiles. A tile is 128×128; 128 means "leave the surface's colour as it is".
"""

from functools import lru_cache

import numpy as np

SIZE = 128  # pixels along a tile
LEVELS = 5  # each level halves the detail: far surfaces use coarse levels and do not shimmer

# A material is an index into the atlas; METRES says how much of the world one tile covers.
NAMES = (
    "plain", "asphalt", "slabs", "brick", "windows", "ribbons", "balconies", "leaves", "grass",
    "boards", "tiles", "stone", "cloth",
)  # fmt: skip
PLAIN, ASPHALT, SLABS, BRICK, WINDOWS, RIBBONS, BALCONIES = range(7)
LEAVES, GRASS, BOARDS, TILES, STONE, CLOTH = range(7, 13)
METRES = np.array([8, 4, 4, 4, 8, 8, 8, 4, 4, 2, 4, 4, 2], np.float32)


def random(*key: int) -> np.random.Generator:
    """The generator that belongs to these non-negative integers, the same on every machine."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def blur(tile: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` neighbours along both axes; the tile is taken to repeat. Integers."""
    for axis in (0, 1):
        total = np.zeros_like(tile)
        for shift in range(width):
            total += np.roll(tile, shift - width // 2, axis)
        tile = total // width
    return tile


def value_noise(rng: np.random.Generator, cell: int, high: int = 256) -> np.ndarray:
    """Smooth random tile, int64 128×128 in [0, high): a coarse grid of numbers, enlarged."""
    grid = rng.integers(0, high, (SIZE // cell, SIZE // cell))
    return blur(np.kron(grid, np.ones((cell, cell), np.int64)), cell)


@lru_cache(1)
def clouds() -> np.ndarray:
    """1/f noise, int16 512×512, 0 to 255: a coarse grid of random numbers, enlarged by two again
    and again, each time with smaller random numbers added. It repeats in both directions."""
    rng = random(2015, 7)
    tile, reach = rng.integers(0, 4096, (4, 4)), 1500
    for _ in range(7):
        tile = blur(blur(np.kron(tile, np.ones((2, 2), np.int64)), 2), 2)
        tile += rng.integers(-reach, reach + 1, tile.shape)
        reach = reach * 17 // 32
    tile -= tile.min()
    return (tile * 255 // tile.max()).astype(np.int16)


def _facade(rng: np.random.Generator, width: int, height: int, sill: int) -> np.ndarray:
    """Windows every 32 px (2 m), storeys of 64 px (4 m): dark panes, a bright frame, a sill of
    `sill` px; under a few of them an air conditioner."""
    tile = 118 + value_noise(rng, 16, 20)
    for top in range(0, SIZE, 64):
        for left in range(0, SIZE, 32):
            y, x = top + 10, left + (32 - width) // 2
            tile[y - 2 : y + height + 2, x - 1 : x + width + 1] = 165
            tile[y : y + height, x : x + width] = 40 + 35 * int(rng.integers(0, 3))
            if width < 30:
                tile[y : y + height, x + width // 2] = 120
            tile[y + height : y + height + sill, max(x - 3, 0) : x + width + 3] = 170
            tile[y + height + sill : y + height + sill + 3, max(x - 3, 0) : x + width + 3] = 70
            if rng.random() < 0.3 and width < 30:
                y, x = y + height + sill + 1, x + width // 2 - 8
                tile[y : y + 10, x : x + 15] = 205
                tile[y + 2 : y + 9, x + 2 : x + 9] = 120
                tile[y + 10 : y + 12, x : x + 15] = 60
    return tile[::-1]  # rows of a wall count upwards from the ground


@lru_cache(1)
def atlas() -> np.ndarray:
    """All tiles at all levels, uint8, flat: ((material · 5 + level) · 128 + row) · 128 + column."""
    rng = random(2015, 5)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    fine, mid, coarse = value_noise(rng, 1), value_noise(rng, 4), value_noise(rng, 16)

    def joints(high: int, wide: int, gap: int, stagger: int = 0) -> tuple[np.ndarray, np.ndarray]:
        shifted = columns + stagger * (rows // high % 2)
        shade = rng.integers(-12, 13, (SIZE // high, SIZE // wide))
        return (rows % high < gap) | (shifted % wide < gap), shade[
            rows // high, shifted % SIZE // wide
        ]

    slab_joint, slab_shade = joints(32, 32, 2)
    brick_joint, brick_shade = joints(8, 16, 1, 8)
    stone_joint, stone_shade = joints(16, 32, 1, 16)
    leaf = value_noise(rng, 2, 330) + value_noise(rng, 8, 200)
    tiles = {
        "plain": 120 + coarse // 16,
        "asphalt": 100 + fine // 8 + mid // 16 + coarse // 14,
        "slabs": np.where(slab_joint, 84, 112 + slab_shade + fine // 16 + coarse // 12),
        "brick": np.where(brick_joint, 150, 110 + brick_shade + fine // 16 + coarse // 16),
        "windows": _facade(rng, 18, 28, 3),
        "ribbons": _facade(rng, 32, 22, 0),
        "balconies": _facade(rng, 24, 34, 12),
        "leaves": 20 + leaf * 2 // 5,
        "grass": 84 + fine // 6 + mid // 6,
        "boards": np.where(columns % 16 < 2, 60, 108 + joints(128, 16, 0)[1] + fine // 12),
        "tiles": np.where(rows % 16 < 3, 88, 112 + fine // 12 + mid // 16),
        "stone": np.where(stone_joint, 90, 112 + 2 * stone_shade + mid // 10),
        "cloth": 108 + mid // 6,
    }
    levels = []
    for name in NAMES:
        tile = tiles[name].astype(np.int64)
        for level in range(LEVELS):
            n = SIZE >> level
            small = tile.reshape(n, SIZE // n, n, SIZE // n).sum((1, 3)) // (SIZE // n) ** 2
            levels.append(np.kron(small, np.ones((SIZE // n, SIZE // n), np.int64)))
    return np.clip(np.stack(levels), 0, 255).astype(np.uint8).ravel()


@lru_cache(1)
def grain() -> np.ndarray:
    """Sensor noise, int8 256×256: sums of four dice, so nearly normal, deviation about 37."""
    rng = random(2015, 6)
    return (rng.integers(-32, 33, (4, 256, 256)).sum(0)).astype(np.int8)
