"""Answers to the exercises on lesson 6: does the game settle?"""

import math

import numpy as np
import torch

from course_utils.checks.game_settles import check_dirac_step, check_longest_step


def dirac_by_loops(theta, psi, h, gamma, alternating):
    rows = []
    for t, s in zip(theta, psi, strict=True):
        new = s - h * (t / (1 + math.exp(-s * t)) + gamma * s)
        seen = new if alternating else s
        rows.append((t + h * seen / (1 + math.exp(-seen * t)), new))
    return [[row[0] for row in rows], [row[1] for row in rows]]


def dirac_by_autograd(theta, psi, h, gamma, alternating):
    theta, psi = (torch.tensor(v, requires_grad=True).float() for v in (theta, psi))

    def slope(of, in_psi):
        value = -torch.log1p(torch.exp(of * theta)).sum()
        value = value - gamma / 2 * of.square().sum() if in_psi else value
        return torch.autograd.grad(value, of if in_psi else theta)[0]

    new = psi + h * slope(psi, True)
    return theta - h * slope(new if alternating else psi, False), new


WRONG = {
    check_longest_step: [
        (-1.0, "a size above 0"),
        (0.0, "a size above 0"),
        (0.3, "0.3 does not fit"),
        (2.0, "larger modulus"),
    ],
}
RIGHT = {
    check_dirac_step: [dirac_by_loops, dirac_by_autograd],
    check_longest_step: [4 * (math.sqrt(2) - 1), 1.66, np.float32(1.65)],
}
