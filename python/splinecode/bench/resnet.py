"""ResNets of basic blocks (He et al. 2016) as torchvision writes them, weights of a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_IMAGES = 8


@dataclass(frozen=True)
class Sizes:
    """Blocks of each stage, channels of the first, classes, extent of the images."""

    depths: tuple[int, ...] = (2, 2, 2, 2)
    width: int = 64
    classes: int = 1000
    image: int = 224

    def __str__(self) -> str:
        """Name the net after its layers with weights."""
        return f"ResNet-{2 * sum(self.depths) + 2} at {self.image}"


class _Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a projection where the shape changes."""

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = nn.Sequential()
        if stride > 1 or channels != planes:
            project = nn.Conv2d(channels, planes, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, nn.BatchNorm2d(planes))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.downsample(x)
        joined: Tensor = self.relu(out)
        return joined


def resnet(sizes: Sizes) -> nn.Sequential:
    """Build one in float64 and eval mode.

    He initialisation; the batch norms scale at random and have seen a batch of normal images.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = _layers(sizes)
        for part in model.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(part, nn.BatchNorm2d):
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.normal_(part.bias, std=0.3)
                part.momentum = None  # the mean over all batches seen: one
        model.train()(torch.randn(_IMAGES, 3, sizes.image, sizes.image))
    return model.double().eval()


def _layers(sizes: Sizes) -> nn.Sequential:
    channels = sizes.width
    layers: list[nn.Module] = [
        nn.Conv2d(3, channels, 7, 2, 3, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    for stage, depth in enumerate(sizes.depths):
        planes = sizes.width << stage
        for i in range(depth):
            layers.append(_Block(channels, planes, 2 if i == 0 < stage else 1))
            channels = planes
    head = nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(channels, sizes.classes)
    return nn.Sequential(*layers, *head)
