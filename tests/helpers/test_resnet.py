import pytest
import torch

from helpers.pytorch.resnet import Block, ResNet


def shapes_of_torchvision() -> dict[str, tuple[int, ...]]:
    """The state dict of its resnet18, written out from the plan of the paper."""
    shapes = {}

    def conv(name, before, after, size):
        shapes[f"{name}.weight"] = (after, before, size, size)

    def norm(name, channels):
        for array in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{array}"] = (channels,)
        shapes[f"{name}.num_batches_tracked"] = ()

    conv("conv1", 3, 64, 7)
    norm("bn1", 64)
    before = 64
    for layer, after in enumerate((64, 128, 256, 512), start=1):
        for block in (0, 1):
            name = f"layer{layer}.{block}"
            conv(f"{name}.conv1", before, after, 3)
            norm(f"{name}.bn1", after)
            conv(f"{name}.conv2", after, after, 3)
            norm(f"{name}.bn2", after)
            if before != after:
                conv(f"{name}.downsample.0", before, after, 1)
                norm(f"{name}.downsample.1", after)
            before = after
    return shapes


@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_a_state_dict_of_torchvision_fits(output_stride):
    model = ResNet(18, output_stride)
    assert {k: tuple(v.shape) for k, v in model.state_dict().items()} == shapes_of_torchvision()
    # 11,689,512 are published, with the layer for the 1000 classes of ImageNet
    assert sum(p.numel() for p in model.parameters()) == 11_689_512 - (512 * 1000 + 1000)


def test_an_image_of_the_mean_colour_is_nothing_to_it():
    model = ResNet(18).eval()
    image = model.standardize.mean.expand(1, 3, 32, 32).contiguous()
    maps = model(image)
    assert torch.equal(maps[0], image)
    assert all(grey.abs().max() == 0 for grey in maps[1:])


@pytest.mark.parametrize("output_stride", [8, 16])
def test_dilation_keeps_what_halving_gives_at_every_other_pixel(output_stride):
    torch.manual_seed(0)
    coarse, fine = ResNet(18, 32).eval(), ResNet(18, output_stride).eval()
    fine.load_state_dict(coarse.state_dict())
    with torch.no_grad():
        *_, few = coarse(image := torch.rand(1, 3, 96, 128))
        *_, many = fine(image)
    step = 32 // output_stride
    assert many.shape == (1, 512, 96 // output_stride, 128 // output_stride)
    torch.testing.assert_close(many[..., ::step, ::step], few)


def test_a_block_begins_near_what_came_in():
    block = Block(8, 8, 1, 1, 1).eval()
    x = torch.rand(1, 8, 6, 6)
    torch.testing.assert_close(block(x), x)
