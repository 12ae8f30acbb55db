"""Pairs for a torch DataLoader."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from helpers.augment import Augment
from helpers.data.batches import sample


class Frames(Dataset):
    """Single pairs: images float32 3×H×W in [0, 1] and masks int64 H×W.

    The sample of (seed, epoch, index) is always the same, whatever the number of workers, the
    order or the framework. Set `epoch` before each epoch, else all epochs see the same:

        frames = Frames(*data.load(pairs), augment=STREET)
        loader = DataLoader(frames, batch_size=8, shuffle=True, num_workers=2)
        for frames.epoch in range(20):
            for x, truth in loader: ...

    Args:
        images, masks: uint8 N×H×W×3 and N×H×W; or only a sequence of pairs, such as `data.Pairs`,
            which are read each time they are asked for, as they are in the files.
        augment: how to change each pair; None leaves it as it is.
        seed: of the augmentation.

    Raises:
        ValueError: not as many images as masks.
    """

    def __init__(
        self,
        images: np.ndarray | Sequence,
        masks: np.ndarray | None = None,
        augment: Augment | None = None,
        seed: int = 0,
    ):
        if masks is not None and len(images) != len(masks):
            raise ValueError(f"{len(images)} images and {len(masks)} masks: one for each is needed")
        self.images, self.masks, self.augment, self.seed = images, masks, augment, seed
        # in shared memory: workers that stay alive between epochs see the change
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @property
    def epoch(self) -> int:
        return int(self._epoch)

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = sample(self.images, self.masks, index, self.augment, self.seed, self.epoch)
        x = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32) / 255
        return torch.from_numpy(x), torch.from_numpy(mask.astype(np.int64))
