"""The camera: a pinhole that follows the road.

A point x metres right, y up and z ahead of the camera lands at column u = u₀ + f·x/z and row
v = v₀ − f·y/z: twice as far is half as large.
"""

import numpy as np

from helpers.streets.street import Drive

FOCAL = 0.5  # of the width: a field of view of 90°, as in the real frames
NEAR = 0.8  # metres; nothing nearer is drawn


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

    def see(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Road coordinates N×3 → camera coordinates N×3 (right, down, ahead), picture N×2.

        What is nearer than NEAR is moved to NEAR; for faces along or across the road that is the
        same as cutting them off there.
        """
        z = points[:, 2] - self.s
        seen = np.stack(
            [points[:, 0] - self.x + self.bend(z), self.up - points[:, 1] - self.rise(z), z], 1
        )
        ahead = np.maximum(z, NEAR)
        right = points[:, 0] - self.x + self.bend(ahead)
        down = self.up - points[:, 1] - self.rise(ahead)
        picture = np.stack([self.u0 + self.f * right / ahead, self.v0 + self.f * down / ahead], 1)
        return seen, np.rint(picture * 16) / 16

    def ground(self) -> np.ndarray:
        """1/z of the ground at each row, float32; 0 above the horizon."""
        t = (np.arange(self.height) + 0.5 - self.v0) / self.f
        root = np.sqrt(np.maximum(t * t + 2 * self.slope * self.up, 0))
        return np.clip((t + root) / (2 * self.up), 1e-3, None).astype(np.float32)
