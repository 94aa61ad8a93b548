"""What a user's script looks like; run by run.py with the installed package."""

import importlib.metadata
from pathlib import Path

import gymnasium
import numpy as np
import palaestra

package = Path(palaestra.__file__).parent
assert "site-packages" in package.parts, package
assert palaestra.__version__ == importlib.metadata.version("palaestra")

envs = gymnasium.make_vec("palaestra/HalfCheetah-v5", 64)
observation, _ = envs.reset(seed=0)
observation, reward, *_ = envs.step(np.zeros((64, 6), np.float32))
assert observation.shape == (64, 17)
assert np.isfinite(reward).all()

result = palaestra.train(
    "Pendulum-v1", steps=300, out="run", hidden=[16], learning_starts=100, batch_size=32
)
assert result.complete
assert (result.run / "curve.png").exists()
assert result.load().act(np.zeros(3)).shape == (1,)
print(f"palaestra {palaestra.__version__} from {package}")
