"""Record five updates of ValueDICE as PyTorch makes them.

Writes tests/agents/data/valuedice.json, which valuedice/reference_test.cc replays. The losses are
written out here from the paper and the authors' description, with PyTorch's own differentiation and
Adam: the gradient of the logarithm is that of softmax weights that are not differentiated, as the
authors release it, where Palaestra differentiates the logarithm itself.

Run with an interpreter that has PyTorch: python tests/agents/make_valuedice_reference.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

STATES, ACTIONS, HIDDEN, ROWS, UPDATES = 4, 2, [12, 10], 16, 5
DISCOUNT, SHARE, PENALTY, ORTHOGONAL, RATE = 0.9, 0.1, 10.0, 1e-2, 1e-3
LOW, HIGH = -5.0, 2.0
PATH = Path(__file__).parent / "data" / "valuedice.json"
Tensor = torch.Tensor


def mlp(inputs: int, outputs: int, *, bias: bool) -> torch.nn.Sequential:
    """ReLU layers; the last one perhaps without a bias."""
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, HIDDEN[0]),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN[0], HIDDEN[1]),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN[1], outputs, bias=bias),
    )


def flat(net: torch.nn.Sequential) -> np.ndarray:
    """Weights as inputs x outputs, then biases, layer by layer."""
    blocks = []
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            blocks.append(layer.weight.detach().numpy().T.ravel())
            if layer.bias is not None:
                blocks.append(layer.bias.detach().numpy())
    return np.concatenate(blocks)


def choose(actor: torch.nn.Sequential, state: Tensor, noise: Tensor) -> Tensor:
    """Draw an action; in an absorbing state, whose last number is 1, there is one: 0."""
    mean, raw = actor(state).split(ACTIONS, dim=1)
    log_std = LOW + 0.5 * (HIGH - LOW) * (torch.tanh(raw) + 1)
    return torch.tanh(mean + log_std.exp() * noise) * (1 - state[:, -1:])


def penalty(nu: torch.nn.Sequential, points: Tensor) -> Tensor:
    """Mean squared distance of the gradient's length from 1."""
    points = points.detach().requires_grad_()
    (slope,) = torch.autograd.grad(nu(points).sum(), points, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


def in_common(actor: torch.nn.Sequential) -> Tensor:
    """Squared products of the weights into every two units of a layer."""
    total = torch.zeros(())
    for layer in actor:
        if isinstance(layer, torch.nn.Linear):
            products = layer.weight @ layer.weight.T
            total = total + (products * (1 - torch.eye(len(products)))).square().sum()
    return total


def main() -> None:
    """Run the updates and store everything that went in and came out."""
    torch.manual_seed(0)
    random = np.random.default_rng(1)
    nu = mlp(STATES + ACTIONS, 1, bias=False)
    actor = mlp(STATES, 2 * ACTIONS, bias=True)
    nu_adam = torch.optim.Adam(nu.parameters(), lr=RATE)
    actor_adam = torch.optim.Adam(actor.parameters(), lr=RATE)

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    def states(share: float) -> np.ndarray:
        x = normal(UPDATES, ROWS, STATES)
        absorbing = random.random((UPDATES, ROWS, 1)) < share
        x[..., :-1] *= ~absorbing
        x[..., -1:] = absorbing
        return x

    blocks: dict[str, np.ndarray] = {
        "before.nu": flat(nu),
        "before.actor": flat(actor),
    }
    for side in ("expert", "replay"):
        blocks[f"{side}.observation"] = states(0.1)
        blocks[f"{side}.next_observation"] = states(0.2)
        blocks[f"{side}.action"] = np.tanh(normal(UPDATES, ROWS, ACTIONS))
        done = random.random((UPDATES, ROWS)) < 0.1
        blocks[f"{side}.discount"] = (DISCOUNT * ~done).astype(np.float32)
        blocks[f"{side}.weight"] = random.choice(np.float32([1, 0.25]), (UPDATES, ROWS))
    blocks["noise"] = normal(UPDATES, 3, ROWS, ACTIONS)
    blocks["mix"] = random.random((UPDATES, ROWS)).astype(np.float32)

    results = []
    for update in range(UPDATES):
        batch = {
            name: torch.from_numpy(block[update])
            for name, block in blocks.items()
            if not name.startswith("before")
        }
        x, pair, onward, weight = {}, {}, {}, {}
        for side, noise in (("expert", 0), ("replay", 2)):
            state, following = (
                batch[f"{side}.observation"],
                batch[f"{side}.next_observation"],
            )
            pair[side] = torch.cat([state, batch[f"{side}.action"]], 1)
            onward[side] = torch.cat(
                [following, choose(actor, following, batch["noise"][noise])], 1
            )
            x[side] = (
                nu(pair[side])[:, 0]
                - batch[f"{side}.discount"] * nu(onward[side])[:, 0]
            )
            weight[side] = batch[f"{side}.weight"] / batch[f"{side}.weight"].sum()
        state = batch["expert.observation"]
        first = nu(torch.cat([state, choose(actor, state, batch["noise"][1])], 1))[:, 0]
        linear = (1 - SHARE) * (1 - DISCOUNT) * (weight["expert"] * first).sum()
        linear = linear + SHARE * (weight["replay"] * x["replay"]).sum()
        both = torch.cat([x["expert"], x["replay"]])
        part = torch.cat([(1 - SHARE) * weight["expert"], SHARE * weight["replay"]])
        share = torch.softmax(both + part.log(), 0).detach()
        stands_in = (share * both).sum() - linear
        objective = torch.logsumexp(both + part.log(), 0) - linear
        mix = batch["mix"][:, None]
        points = [mix * s["expert"] + (1 - mix) * s["replay"] for s in (pair, onward)]
        slopes, common = penalty(nu, torch.cat(points)), in_common(actor)

        nu_gradient = torch.autograd.grad(
            stands_in + PENALTY * slopes, list(nu.parameters()), retain_graph=True
        )
        actor_gradient = torch.autograd.grad(
            ORTHOGONAL * common - stands_in, list(actor.parameters())
        )
        for net, gradient, adam in (
            (nu, nu_gradient, nu_adam),
            (actor, actor_gradient, actor_adam),
        ):
            for parameter, g in zip(net.parameters(), gradient, strict=True):
                parameter.grad = g
            adam.step()
        effective = 1 / share.square().sum()
        results.append([t.item() for t in (objective, slopes, common, effective)])

    blocks |= {"after.nu": flat(nu), "after.actor": flat(actor)}
    blocks["results"] = np.array(results, np.float32)
    lines = [f'"made_by": "PyTorch {torch.__version__}"']
    for name, block in blocks.items():
        numbers = ", ".join(f"{v:.9g}" for v in np.asarray(block, np.float32).ravel())
        lines.append(f'"{name}": [{numbers}]')
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
