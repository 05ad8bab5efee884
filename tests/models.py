"""The field's networks in torch, written as torchvision writes them, in sizes of one's choice.

`make(name, size)` gives a module with He initialisation and batch norms that have seen data, and
the shape of one input. "tiny" is for the rational oracle, "normal" for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

Shape = tuple[int, ...]


def conv_norm(
    channels: int,
    out: int,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Convolution, batch norm, activation; padded to keep the extent."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), activation())


class Head(nn.Sequential):
    """The mean over all positions, and classes from it."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


# ---------------------------------------------------------------- chains


class VGG(nn.Module):
    """Simonyan and Zisserman 2015: a plan of widths, "M" for a max pool, and a classifier."""

    def __init__(
        self, shape: Shape, plan: Sequence[int | str], hidden: int, classes: int, norm: bool = True
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, extent = shape[0], shape[1]
        for width in plan:
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
                extent //= 2
            else:
                layers.append(nn.Conv2d(channels, int(width), 3, padding=1))
                layers += [nn.BatchNorm2d(int(width))] if norm else []
                layers.append(nn.ReLU(inplace=True))
                channels = int(width)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * extent * extent, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class ImplicitField(nn.Sequential):
    """A value at each point of the plane: coordinates in, an MLP with ReLUs."""

    def __init__(self, shape: Shape, width: int, depth: int) -> None:
        pairs = pairwise([*shape, *[width] * depth])
        hidden = [layer for i, o in pairs for layer in (nn.Linear(i, o), nn.ReLU())]
        super().__init__(*hidden, nn.Linear(width, 1))


class Maxout(nn.Module):
    """Goodfellow et al. 2013: each unit is the largest of several linear ones."""

    def __init__(self, shape: Shape, widths: Sequence[int], pieces: int, classes: int) -> None:
        super().__init__()
        self.pieces = pieces
        pairs = pairwise([*shape, *widths])
        self.hidden = nn.ModuleList(nn.Linear(i, o * pieces) for i, o in pairs)
        self.out = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = layer(x)
            x = x.view(x.shape[0], -1, self.pieces).amax(dim=2)
        return self.out(x)


# ---------------------------------------------------------------- shortcuts


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = shortcut(channels, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up beside a shortcut."""

    expansion = 4

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        out = planes * self.expansion
        self.conv1 = nn.Conv2d(channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


def shortcut(channels: int, out: int, stride: int) -> nn.Module | None:
    """A projection where the shape changes."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class ResNet(nn.Module):
    """He et al. 2016. `stem` "imagenet" is 7 x 7 / 2 and a max pool, "cifar" 3 x 3.

    ResNet-18 in full: BasicBlock, depths (2, 2, 2, 2), width 64, 3 x 224 x 224, 1,000 classes.
    """

    def __init__(
        self,
        shape: Shape,
        block: type[BasicBlock | Bottleneck],
        depths: Sequence[int],
        width: int,
        classes: int,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        large = stem == "imagenet"
        kernel, stride = (7, 2) if large else (3, 1)
        self.conv1 = nn.Conv2d(shape[0], width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        stages, channels = [], width
        for stage, depth in enumerate(depths):
            planes, blocks = width << stage, []
            for i in range(depth):
                blocks.append(block(channels, planes, 2 if i == 0 < stage else 1))
                channels = planes * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.layers = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.avgpool(self.layers(x))
        return self.fc(torch.flatten(x, 1))


class InvertedResidual(nn.Module):
    """1 x 1 up, depthwise 3 x 3, 1 x 1 down without activation; a shortcut between equal shapes."""

    def __init__(self, channels: int, out: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = channels * expand
        self.use_res_connect = stride == 1 and channels == out
        layers = [conv_norm(channels, hidden, 1, activation=nn.ReLU6)] if expand > 1 else []
        layers.append(conv_norm(hidden, hidden, 3, stride, hidden, nn.ReLU6))
        layers.append(conv_norm(hidden, out, 1, activation=nn.Identity))
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018: a plan of (expand, channels, repeats, stride)."""

    def __init__(
        self,
        shape: Shape,
        stem: int,
        plan: Sequence[tuple[int, int, int, int]],
        last: int,
        classes: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm(shape[0], stem, 3, 2, activation=nn.ReLU6)]
        channels = stem
        for expand, out, repeats, stride in plan:
            for i in range(repeats):
                block = InvertedResidual(channels, out, 1 if i else stride, expand)
                layers.append(block)
                channels = out
        layers.append(conv_norm(channels, last, 1, activation=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


class MixerBlock(nn.Module):
    """An MLP across tokens, then one across channels, each beside a shortcut.

    Values are (n, channels, tokens). Batch norms stand where the paper has layer norms, which are
    not piecewise linear.
    """

    def __init__(self, tokens: int, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)
        self.mix_tokens = nn.Sequential(
            nn.Linear(tokens, hidden), nn.ReLU(), nn.Linear(hidden, tokens)
        )
        self.mix_channels = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.mix_tokens(self.norm1(x))
        return x + self.mix_channels(self.norm2(x).transpose(1, 2)).transpose(1, 2)


class Mixer(nn.Module):
    """MLP-Mixer, Tolstikhin et al. 2021, with ReLUs."""

    def __init__(
        self, shape: Shape, patch: int, channels: int, hidden: int, depth: int, classes: int
    ) -> None:
        super().__init__()
        tokens = (shape[1] // patch) * (shape[2] // patch)
        self.embed = nn.Conv2d(shape[0], channels, patch, patch)
        self.blocks = nn.Sequential(*(MixerBlock(tokens, channels, hidden) for _ in range(depth)))
        self.norm = nn.BatchNorm1d(channels)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.embed(x).flatten(2))
        return self.head(self.norm(x).mean(dim=2))


# ---------------------------------------------------------------- branches side by side


class DenseLayer(nn.Module):
    """Norm, ReLU, 1 x 1; norm, ReLU, 3 x 3: `growth` new channels after the old ones."""

    def __init__(self, channels: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(bottleneck)
        self.conv1 = nn.Conv2d(channels, bottleneck, 1, bias=False)
        self.conv2 = nn.Conv2d(bottleneck, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(functional.relu(self.norm1(x)))
        new = self.conv2(functional.relu(self.norm2(new)))
        return torch.cat([x, new], 1)


class DenseNet(nn.Module):
    """Huang et al. 2017: dense blocks with transitions that halve channels and extent between."""

    def __init__(
        self, shape: Shape, depths: Sequence[int], growth: int, bottleneck: int, classes: int
    ) -> None:
        super().__init__()
        channels = 2 * growth
        layers: list[nn.Module] = [conv_norm(shape[0], channels), nn.MaxPool2d(3, 2, 1)]
        for block, depth in enumerate(depths):
            if block:
                layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
                layers += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2, 2)]
                channels //= 2
            for _ in range(depth):
                layers.append(DenseLayer(channels, growth, bottleneck))
                channels += growth
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.features(x), inplace=True)
        x = functional.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(torch.flatten(x, 1))


class Inception(nn.Module):
    """1 x 1, 3 x 3, 5 x 5 and a max pool side by side; `width` channels each."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.branch1 = conv_norm(channels, width, 1)
        self.branch2 = nn.Sequential(conv_norm(channels, width, 1), conv_norm(width, width, 3))
        self.branch3 = nn.Sequential(conv_norm(channels, width, 1), conv_norm(width, width, 5))
        pool = nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True)
        self.branch4 = nn.Sequential(pool, conv_norm(channels, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Sequential):
    """Szegedy et al. 2015 with batch norm: pools with ceil_mode, stages of Inception blocks."""

    def __init__(self, shape: Shape, stem: int, depths: Sequence[int], width: int, classes: int):
        layers: list[nn.Module] = [conv_norm(shape[0], stem, 3, 2)]
        channels = stem
        for depth in depths:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            for _ in range(depth):
                layers.append(Inception(channels, width))
                channels = 4 * width
        super().__init__(*layers, Head(channels, classes))


class UNet(nn.Module):
    """Ronneberger et al. 2015: down, up, and what was on the way down beside what comes up.

    `up` is "transposed" or "bilinear".
    """

    def __init__(self, shape: Shape, width: int, depth: int, classes: int, up: str) -> None:
        super().__init__()
        widths = [width << level for level in range(depth + 1)]
        self.inc = double_conv(shape[0], width)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(double_conv(fine, coarse) for fine, coarse in pairs)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(doubling(up, coarse, fine) for fine, coarse in pairs)
        self.join = nn.ModuleList(double_conv(2 * fine, fine) for fine in widths[:-1])
        self.outc = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.inc(x)]
        for conv in self.down:
            levels.append(conv(self.pool(levels[-1])))
        x = levels.pop()
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            x = join(torch.cat([levels.pop(), up(x)], dim=1))
        return self.outc(x)


def double_conv(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(conv_norm(channels, out), conv_norm(out, out))


def doubling(up: str, channels: int, out: int) -> nn.Module:
    """Twice the extent, `out` channels."""
    if up == "transposed":
        return nn.ConvTranspose2d(channels, out, 2, stride=2)
    bilinear = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
    return nn.Sequential(bilinear, nn.Conv2d(channels, out, 1))


# ---------------------------------------------------------------- sizes


class Size(NamedTuple):
    """The shape of one input, and what the class takes beside it."""

    shape: Shape
    arguments: dict[str, Any]


def size(*shape: int, **arguments: Any) -> Size:
    return Size(shape, arguments)


class Model(NamedTuple):
    build: Callable[..., nn.Module]
    tiny: Size
    normal: Size


_BASIC, _BOTTLENECK = {"block": BasicBlock}, {"block": Bottleneck, "stem": "cifar"}
_CIFAR_PLAN = (16, "M", 32, "M", 64, 64, "M", 64, 64, "M")
_MOBILE_PLAN = ((1, 8, 1, 1), (6, 12, 2, 2), (6, 16, 2, 2))

MODELS = {
    "vgg": Model(
        VGG,
        size(1, 4, 4, plan=(2, "M", 3, 3, "M"), hidden=6, classes=3, norm=False),
        size(3, 32, 32, plan=_CIFAR_PLAN, hidden=64, classes=10, norm=False),
    ),
    "vgg_norm": Model(
        VGG,
        size(1, 4, 4, plan=(3, "M", 4, "M"), hidden=6, classes=3),
        size(3, 32, 32, plan=_CIFAR_PLAN, hidden=64, classes=10),
    ),
    "resnet": Model(
        ResNet,
        size(1, 9, 9, **_BASIC, depths=(1, 1), width=2, classes=3),
        size(3, 64, 64, **_BASIC, depths=(2, 2, 2, 2), width=8, classes=10),
    ),
    "resnet_bottleneck": Model(
        ResNet,
        size(1, 4, 4, **_BOTTLENECK, depths=(1, 1), width=1, classes=2),
        size(3, 32, 32, **_BOTTLENECK, depths=(2, 2, 2), width=8, classes=10),
    ),
    "mobilenet": Model(
        MobileNetV2,
        size(1, 6, 6, stem=2, plan=((1, 2, 1, 1), (2, 3, 2, 2)), last=5, classes=2),
        size(3, 32, 32, stem=16, plan=_MOBILE_PLAN, last=64, classes=10),
    ),
    "mixer": Model(
        Mixer,
        size(1, 4, 4, patch=2, channels=3, hidden=5, depth=2, classes=2),
        size(3, 32, 32, patch=4, channels=32, hidden=64, depth=4, classes=10),
    ),
    "densenet": Model(
        DenseNet,
        size(1, 4, 4, depths=(2, 1), growth=2, bottleneck=3, classes=2),
        size(3, 32, 32, depths=(3, 3, 3), growth=8, bottleneck=16, classes=10),
    ),
    "googlenet": Model(
        GoogLeNet,
        size(1, 8, 8, stem=2, depths=(1, 1), width=2, classes=3),
        size(3, 32, 32, stem=16, depths=(2, 2), width=8, classes=10),
    ),
    "unet_transposed": Model(
        UNet,
        size(1, 4, 4, width=1, depth=1, classes=1, up="transposed"),
        size(3, 32, 32, width=8, depth=2, classes=4, up="transposed"),
    ),
    "unet_bilinear": Model(
        UNet,
        size(1, 4, 4, width=1, depth=2, classes=1, up="bilinear"),
        size(3, 32, 32, width=8, depth=2, classes=4, up="bilinear"),
    ),
    "implicit_field": Model(ImplicitField, size(2, width=16, depth=3), size(2, width=256, depth=4)),
    "maxout": Model(
        Maxout,
        size(3, widths=(6, 6), pieces=3, classes=2),
        size(64, widths=(128, 128), pieces=4, classes=10),
    ),
}


def make(
    name: str, size: str = "tiny", seed: int = 0, dtype: torch.dtype = torch.float64
) -> tuple[nn.Module, Shape]:
    """Return the model `name` of MODELS in eval mode, and the shape of one input.

    `size` is "tiny" or "normal".
    """
    model = MODELS[name]
    shape, arguments = model.tiny if size == "tiny" else model.normal
    return seeded(lambda: model.build(shape, **arguments), shape, seed, dtype), shape


def resnet18(width: int = 64, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    """Return a ResNet-18 for 3 x 224 x 224 inputs; width 64 is the full size."""
    shape = (3, 224, 224)
    return seeded(lambda: ResNet(shape, BasicBlock, (2, 2, 2, 2), width, 1000), shape, seed, dtype)


def seeded(
    build: Callable[[], nn.Module], shape: Shape, seed: int, dtype: torch.dtype
) -> nn.Module:
    """Build a module with weights of a seed, whatever was drawn before, and none drawn after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return initialised(build().double(), shape).to(dtype).eval()


@torch.no_grad()
def initialised(module: nn.Module, shape: Shape) -> nn.Module:
    """He initialisation and random biases; batch norms scale at random and know random inputs."""
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.normal_(part.bias, std=0.2)
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.3)
        norm.momentum = None  # the mean over all batches seen: one
    if norms:
        module.train()(torch.randn(8, *shape, dtype=torch.float64))
    return module
