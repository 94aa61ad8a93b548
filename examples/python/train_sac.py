"""Train SAC on a pendulum, watch it learn, load the agent and let it act.

    python examples/python/train_sac.py runs/example

The run folder is the one that ``palaestra train`` writes: logs, checkpoints, ``curve.png``. Ctrl-C
leaves a checkpoint, and the same call with ``resume=True`` goes on from it.
"""

from __future__ import annotations

import sys

import gymnasium
import palaestra


def report(progress: palaestra.Progress) -> None:
    """Print each evaluation."""
    if progress.evaluation is not None:
        mean = progress.evaluation.return_mean
        print(f"step {progress.steps:6,} of {progress.total:,}: return {mean:8.1f}")


def main(out: str, steps: int = 6_000) -> float:
    """Train, load, and play one episode with Gymnasium's own wrapper; return its return."""
    result = palaestra.train(
        "Pendulum-v1",
        "sac",
        steps,
        out=out,
        hidden=[64, 64],
        actor_learning_rate=1e-3,
        critic_learning_rate=1e-3,
        threads=1,  # networks this small gain nothing from more
        callback=report,
    )
    agent = result.load()
    env = gymnasium.make("palaestra/Pendulum-v1")
    observation, _ = env.reset(seed=1)
    total, done = 0.0, False
    while not done:
        observation, reward, terminated, truncated, _ = env.step(agent.act(observation))
        total += float(reward)
        done = terminated or truncated
    print(f"one more episode: {total:.1f}; everything else is in {result.run}")
    return total


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/example")
