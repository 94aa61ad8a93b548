"""The streams of ``core/random.h`` once more, in plain Python: slow and independent."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MASK32, MASK64 = 2**32 - 1, 2**64 - 1


def purpose(name: str) -> int:
    """FNV-1a of the name, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & MASK32
    return value


def mix64(x: int) -> int:
    """SplitMix64's finaliser."""
    x = x + 0x9E3779B97F4A7C15 & MASK64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK64
    return x ^ x >> 31


def philox(counter: tuple[int, int, int, int], key: int) -> tuple[int, int, int, int]:
    """Ten rounds of Philox4x32 (Salmon et al. 2011)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key & MASK32, key >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (p1 >> 32) ^ c1 ^ k0,
            p1 & MASK32,
            (p0 >> 32) ^ c3 ^ k1,
            p0 & MASK32,
        )
        k0, k1 = k0 + 0x9E3779B9 & MASK32, k1 + 0xBB67AE85 & MASK32
    return c0, c1, c2, c3


@dataclass
class Stream:
    """Addressed by (seed, purpose, entity, episode); draws 64 bits at a time."""

    seed: int
    what: str
    entity: int = 0
    episode: int = 0
    position: int = 0

    def bits64(self) -> int:
        """The next two words of the sequence, from an even place on."""
        self.position += self.position & 1
        key = mix64(self.seed ^ mix64(purpose(self.what)))
        address = (self.entity ^ self.episode << 32 ^ self.episode >> 32) & MASK64
        block = self.position >> 2
        words = philox(
            (block & MASK32, block >> 32, address & MASK32, address >> 32), key
        )
        word = self.position & 3
        self.position += 2
        return words[word] | words[word + 1] << 32

    def uniform(self, low: float, high: float) -> float:
        """Uniform in [low, high): one rounding, as by a fused multiply-add."""
        share = Fraction(self.bits64() >> 11, 2**53)
        return float(Fraction(high - low) * share + Fraction(low))

    def below(self, n: int) -> int:
        """A whole number in [0, n) by Lemire's method."""
        while True:
            product = self.bits64() * n
            if product & MASK64 >= (2**64 - n) % n:
                return product >> 64
