"""The camera: a pinhole that follows the road.

A point x metres right, y up and z ahead of the camera lands at column u = u₀ + f·x/z and row
v = v₀ − f·y/z: twice as far is half as large.
"""

import numpy as np

from helpers.streets.street import Drive

FOCAL = 0.5  # of the width: a field of view of 90°, as in the real frames
NEAR = 0.4  # metres; nothing nearer is drawn


class Camera:
    """Where the camera stands at a frame, and how it projects."""

    def __init__(self, street: Drive, frame: int, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.f = FOCAL * width
        self.u0, self.v0 = width / 2, street.pitch * height
        self.up = street.camera
        self.s = frame * street.step
        # in the middle of our lane, which is the right one next to the curb
        self.x = street.half - street.lane / 2 - 0.4
        self.curve = street.curve(self.s)
        self.twist = street.curve(self.s + 10) / 10 - self.curve / 10
        self.slope = street.slope(self.s)

    def bend(self, z):
        """Metres that the road has bent to the right, z metres ahead."""
        return z * z * (self.curve / 2 + z * self.twist / 6)

    def rise(self, z):
        """Metres that the road has risen, z metres ahead."""
        return z * z * (self.slope / 2)

    def see(self, points: np.ndarray) -> np.ndarray:
        """Road coordinates N×3 (right, up, along) → camera coordinates N×3 (right, down, ahead)."""
        z = points[:, 2] - self.s
        right = points[:, 0] - self.x + self.bend(z)
        return np.stack([right, self.up - points[:, 1] - self.rise(z), z], 1)

    def project(self, seen: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Polygons with counts[k] corners each, N×3 → their corners in the picture, M×2, and the
        counts left of what is cut off at NEAR (Sutherland and Hodgman 1974): 0 if nothing is."""
        after = following(counts)
        ahead = seen[:, 2] >= NEAR
        crosses = ahead != ahead[after]
        step = seen[after] - seen
        share = (NEAR - seen[:, 2]) / np.where(crosses, step[:, 2], 1.0)
        crossing = seen + share[:, None] * step
        keep = np.stack([ahead, crosses], 1)
        corners = np.stack([seen, crossing], 1)[keep]
        left = np.add.reduceat(keep.sum(1), np.cumsum(counts) - counts)
        picture = corners[:, :2] / corners[:, 2:] * self.f + (self.u0, self.v0)
        return np.rint(picture * 16) / 16, left

    def planes(self, seen: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """a, b, c of each polygon's plane: 1/z = a·u + b·v + c at column u, row v. float32 3×K."""
        start = np.cumsum(counts) - counts
        p = seen[start]
        normal = np.cross(seen[start + 1] - p, seen[start + 2] - p)
        offset = (normal * p).sum(1)
        offset = np.where(np.abs(offset) < 1e-6, 1e-6, offset)
        a, b = normal[:, 0] / (self.f * offset), normal[:, 1] / (self.f * offset)
        c = normal[:, 2] / offset - a * self.u0 - b * self.v0
        return np.stack([a, b, c]).astype(np.float32)

    def ground(self) -> np.ndarray:
        """1/z of the ground at each row, float32; 0 above the horizon."""
        t = (np.arange(self.height) + 0.5 - self.v0) / self.f
        root = np.sqrt(np.maximum(t * t + 2 * self.slope * self.up, 0))
        return np.clip((t + root) / (2 * self.up), 1e-3, None).astype(np.float32)


def following(counts: np.ndarray) -> np.ndarray:
    """For each corner of polygons with counts[k] > 0 corners each, the index of the next one."""
    end = np.cumsum(counts)
    after = np.arange(1, end[-1] + 1)
    after[end - 1] = end - counts
    return after
