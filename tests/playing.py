"""A game in one call, for tests of either wing."""

import importlib
from dataclasses import fields

from course_utils.records.recipes import Recipe

RECIPE = {field.name for field in fields(Recipe)}
PLAIN = {"pytorch": "gan_step", "tfkeras": "simultaneous_step"}


def modules_of(network):
    """The modules `gan`, `game` and `training` of a network's wing, and its name."""
    wing = "tfkeras" if hasattr(network, "trainable_variables") else "pytorch"
    names = (f"course_utils.{wing}.{part}" for part in ("gan", "game", "training"))
    return *map(importlib.import_module, names), wing


def game_of(generator, discriminator, data, seed, **recipe):
    """A game, by its wing's plain step if the recipe names none."""
    gan, game, _, wing = modules_of(generator)
    recipe = {"step": getattr(gan, PLAIN[wing])} | recipe
    return game.Game(generator, discriminator, data, Recipe(**recipe), seed)


def play(generator, discriminator, data, steps, seed, **options):
    """What `train_gan` returns; options are the recipe's or its own."""
    return played(generator, discriminator, data, steps, seed, **options)[1]


def played(generator, discriminator, data, steps, seed, **options):
    """The game, and what `train_gan` returned for it."""
    recipe = {name: options.pop(name) for name in RECIPE & options.keys()}
    game = game_of(generator, discriminator, data, seed, **recipe)
    return game, modules_of(generator)[2].train_gan(game, steps, **options)
