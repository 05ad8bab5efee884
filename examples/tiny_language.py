"""A language of seventy words, and a transformer small enough to learn it in seconds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

NOUNS = {
    ("animal", "one"): ("dog", "cat", "horse", "bird", "fox"),
    ("animal", "many"): ("dogs", "cats", "horses", "birds", "foxes"),
    ("person", "one"): ("teacher", "doctor", "sailor", "child", "farmer"),
    ("person", "many"): ("teachers", "doctors", "sailors", "children", "farmers"),
    ("thing", "one"): ("stone", "letter", "wheel", "lamp", "boat"),
    ("thing", "many"): ("stones", "letters", "wheels", "lamps", "boats"),
}
VERBS = {
    ("animal", "one"): ("barks", "runs", "sleeps", "hunts"),
    ("animal", "many"): ("bark", "run", "sleep", "hunt"),
    ("person", "one"): ("reads", "sings", "works", "writes"),
    ("person", "many"): ("read", "sing", "work", "write"),
    ("thing", "one"): ("falls", "breaks", "shines", "rolls"),
    ("thing", "many"): ("fall", "break", "shine", "roll"),
}
ADJECTIVES = ("old", "small", "red", "quiet", "heavy")
PLACES = ("house", "garden", "river", "market")
WORDS = (
    *(".", "the", "near", "and"),
    *ADJECTIVES,
    *PLACES,
    *(word for words in (*NOUNS.values(), *VERBS.values()) for word in words),
)
NUMBER = {word: i for i, word in enumerate(WORDS)}
KIND = {word: kind for kind, words in NOUNS.items() for word in words}


def sentences(rng: random.Random) -> Iterator[str]:
    """Yield words: verbs agree with their noun in kind and number, and some have two verbs."""
    while True:
        kind = rng.choice(list(NOUNS))
        yield "the"
        if rng.random() < 0.5:
            yield rng.choice(ADJECTIVES)
        yield rng.choice(NOUNS[kind])
        yield rng.choice(VERBS[kind])
        if rng.random() < 0.3:
            yield from ("and", rng.choice(VERBS[kind]))
        if rng.random() < 0.4:
            yield from ("near", "the", rng.choice(PLACES))
        yield "."


def text(words: int, seed: int) -> Tensor:
    """Return so many words of the language by number, int64 (words,)."""
    source = sentences(random.Random(seed))
    return torch.tensor([NUMBER[next(source)] for _ in range(words)])


class Block(nn.Module):
    """Attention and a ReLU MLP, each after a layer norm and added to the residual stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.relu = nn.Linear(width, 4 * width), nn.ReLU()
        self.down = nn.Linear(4 * width, width)

    def forward(self, stream: Tensor) -> Tensor:
        """Add to a residual stream (n, tokens, width)."""
        n, tokens, width = stream.shape
        parts = self.attend(self.before(stream)).view(n, tokens, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        stream = stream + self.merge(mixed.transpose(1, 2).reshape(n, tokens, width))
        return stream + self.down(self.relu(self.up(self.between(stream))))


class Transformer(nn.Module):
    """Word and place embeddings, blocks, a last layer norm, a score for each next word."""

    def __init__(self, width: int = 64, heads: int = 4, blocks: int = 4, tokens: int = 16) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(len(WORDS), width), nn.Embedding(tokens, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm, self.score = nn.LayerNorm(width), nn.Linear(width, len(WORDS), bias=False)

    def residual(self, words: Tensor, blocks: int) -> Tensor:
        """Return the residual stream (n, tokens, width) after so many blocks."""
        stream = self.word(words) + self.place(torch.arange(words.shape[1]))
        for block in self.blocks[:blocks]:
            stream = block(stream)
        return stream

    def forward(self, words: Tensor) -> Tensor:
        """Return scores (n, tokens, words) of the word after each."""
        return self.score(self.norm(self.residual(words, len(self.blocks))))


class FromResidual(nn.Module):
    """A transformer from the residual stream after some blocks to the scores at the last token.

    Only the last token is a variable: derivatives by the others are 0.
    """

    def __init__(self, model: Transformer, blocks: int) -> None:
        super().__init__()
        self.blocks, self.norm, self.score = model.blocks[blocks:], model.norm, model.score

    def forward(self, stream: Tensor) -> Tensor:
        """Return scores (n, words) for streams (n, tokens, width)."""
        stream = torch.cat([stream[:, :-1].detach(), stream[:, -1:]], dim=1)
        for block in self.blocks:
            stream = block(stream)
        return self.score(self.norm(stream[:, -1]))


def trained(
    steps: Sequence[int], seed: int, *, words: int = 50_000, batch: int = 32
) -> Iterator[tuple[int, Transformer, float]]:
    """Train a transformer, and yield it at each of these steps with its loss on new text.

    The model is one and the same: use it before the next step is asked for.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Transformer()
    draws = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    training, new = windows(text(words, seed)), windows(text(5_000, seed + 1000))[::17]
    for step in range(max(steps) + 1):
        if step in steps:
            with torch.no_grad():
                loss = float(_loss(model, new))
            yield step, model, loss
        if step == max(steps):
            return
        chosen = torch.randint(len(training), (batch,), generator=draws)
        optimizer.zero_grad()
        _loss(model, training[chosen]).backward()
        optimizer.step()


def windows(words: Tensor, tokens: int = 16) -> Tensor:
    """Return every run of tokens + 1 words, (runs, tokens + 1)."""
    return words.unfold(0, tokens + 1, 1)


def _loss(model: Transformer, runs: Tensor) -> Tensor:
    scores = model(runs[:, :-1])
    return functional.cross_entropy(scores.flatten(0, 1), runs[:, 1:].flatten())


def prompts(n: int, seed: int, tokens: int = 6) -> tuple[Tensor, Tensor]:
    """Draw n pairs of prompts, int64 (n, tokens) each, that differ in their last word alone.

    It is a noun, of another kind or number in the second: other verbs must follow.
    """
    rng = random.Random(seed)
    runs = text(100 * n + 10 * tokens, seed + 2000).unfold(0, tokens, 1)
    ending = [i for i, run in enumerate(runs) if WORDS[run[-1]] in KIND]
    first = runs[rng.sample(ending, n)]
    second = first.clone()
    for run in second:
        kind = KIND[WORDS[run[-1]]]
        run[-1] = NUMBER[rng.choice([word for word in KIND if KIND[word] != kind])]
    return first, second
