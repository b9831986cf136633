"""Checks of the bug clinic: each trains a mended program anew and measures the symptom.

A patient is a table: what is measured (`checks/patients.py`), and the limits within
which a healthy program stays. `tools/measure/clinic_bars.py` has measured healthy and
sick programs and fakes (course_utils/records/results/clinic_bars.json), and beside each
limit stands what they gave, with 40 seeds of each; others are those that it refuses.
Most limits were moved to the middle of their gaps after a look at seeds 0 to 24, before
the others had run. The prices of the coins and of the judge were moved after all 40:
they had refused a healthy program at one seed each, and their gaps are narrow.
Those of the models were set after seeds 0 to 5, and that of their order moved after 34.
Each symptom has a hint of its own; `SOUND` answers all else.
"""

from course_utils.checks.examination import Ask, examination
from course_utils.checks.patients import (
    Limit,
    Patient,
    autoencoder_numbers,
    cloud_numbers,
    coins_numbers,
    density_numbers,
    error_bar_numbers,
    judge_numbers,
    models_numbers,
    ring_numbers,
    vae_numbers,
)

SOUND = (
    'The fault stands below "Your code here."; what goes in and comes out was right.'
)

VAE = Patient(
    vae_numbers,
    (
        Limit(
            "kl",
            "a code of two numbers holds {kl:.2f} nats about its digit.",
            "Print both terms of the loss for one batch, at the start and at the end.",
            # healthy 2.16 to 2.82; others up to 0.000541
            least=0.1,
        ),
        Limit(
            "bound",
            "a code costs {kl:.2f} nats and brings only {gain:.2f} nats of picture.",
            "Without a code the bound is better, or nearly: what is summed, what "
            "averaged?",
            # healthy 3.94 to 6.2; others up to 2.98
            least=3,
        ),
        Limit(
            "weight",
            "the noise of its codes shows a KL that counts {weight:.2f} times as much "
            "as the picture.",
            "The bound counts both alike. Suppose four times as many pixels: does one "
            "of the terms have to be mended by hand?",
            # healthy 0.771 to 1.21; others up to 0.627 and from 1.48 on
            least=0.7,
            most=1.35,
        ),
    ),
)

CLOUD = Patient(
    cloud_numbers,
    (
        Limit(
            "stayed",
            "after the training every sample lies where it lay before.",
            "Which parameters have a gradient when an optimizer takes its step?",
            # healthy 0; others from 1 on
            most=0.5,
        ),
        Limit(
            "copied",
            "these are points of the data, and none of the generator's.",
            "The samples after are what the generator makes of the same z as before.",
            # healthy 0 to 0.001; others from 1 on
            most=0.5,
        ),
        Limit(
            "rest",
            "the samples moved away: {end:.1f} off the data, {start:.1f} before.",
            "What does this generator want: to be caught, or to be believed?",
            # healthy 0.0339 to 0.192; others from 2.89 on
            most=1,
        ),
        Limit(
            "rest",
            "the samples are {end:.1f} off the data, {start:.1f} before.",
            "They do come nearer: how far in a step, and in how many steps? And is it "
            "the discriminator that they follow? A few strays must not draw them off.",
            # healthy 0.0339 to 0.192; others from 0.414 on
            most=0.4,
        ),
        Limit(
            "width",
            "the samples spread {width:.2g} times as wide as the data.",
            "Do all z end in one place? Each sample is made of its own z.",
            # healthy 0.62 to 1.75; others up to 1.92e-09
            least=0.1,
        ),
        Limit(
            "width",
            "the samples spread {width:.2g} times as wide as the data.",
            "Draw samples and data every 50 steps: do they ever settle? A few strays "
            "are no reason to be so wide.",
            # healthy 0.62 to 1.75; others from 1.93 on
            most=1.9,
        ),
        Limit(
            "of_z",
            "samples before and after are not of the same z: neighbours of before are "
            "none any more.",
            "The z are drawn once, above. The same are used at the end.",
            # healthy 0.239 to 0.966; others up to -0.258
            least=0,
        ),
        Limit(
            "turned",
            "the data form a long cloud. With the cloud turned by a right angle, the "
            "samples keep their shape.",
            "They were moved as a whole. Which of the generator's weights have learnt?",
            # healthy 0.351 to 1.79; others up to 1.47e-07
            least=0.2,
        ),
    ),
    stops={
        "backward through the graph a second time": (
            "Two steps go back through the same fakes, and the first clears the way. "
            "Which of the two has no business in the generator?"
        ),
        "modified by an inplace operation": (
            "The discriminator has moved since it looked at these fakes. Who wants its "
            "gradient now has to ask it again."
        ),
    },
)

COINS = Patient(
    coins_numbers,
    (
        Limit(
            "over",
            "its least loss is {loss:,.4g} nats. Grey levels in [0, 1] cost "
            "{least:.2f} nats at the very least.",
            "Draw the loss of one pixel against its logit. Where is its lowest point?",
            # healthy 13.4 to 17.8; others up to -815
            least=-100,
        ),
        Limit(
            "over",
            "its least loss is {loss:.2f} nats. Grey levels in [0, 1] cost {least:.2f} "
            "nats at the very least.",
            "Which probability is best where a pixel of x is 0.2, and which is learnt?",
            # healthy 13.4 to 17.8; others up to -5.29
            least=0,
        ),
        Limit(
            "lost",
            "the loss is possible, but pictures cost {lost:.2f} nats more than the "
            "mean of all digits.",
            "Which probability is best where a pixel of x is 0.2, and which is learnt?",
            # healthy -5.99 to -1.27; others from 3.52 on
            most=1.2,
        ),
        Limit(
            "apart",
            "digits of full light and dim ones have the same losses.",
            "The losses are those of the steps, of the likelihood that is trained.",
            # healthy 0.683 to 5.27; others up to 0
            least=0.02,
        ),
        Limit(
            "first",
            "the first loss is {first:+.1f} nats off that of a coin for each pixel.",
            "Logits near 0 cost 196 ln 2 nats of a Bernoulli likelihood. Is it one?",
            # healthy 0.259 to 4.79; others from 1.98e+04 on
            least=-20,
            most=20,
        ),
        Limit(
            "price",
            "the losses lie {price:.2f} nats over what the logits cost at the "
            "grey levels of x: too little is left for the KL.",
            "Two things may do this: targets in black and white where x is grey, or a "
            "KL that is left out. Print a row of the targets.",
            # healthy 2.79 to 6.15; others up to 2.71
            least=2.75,
        ),
        Limit(
            "price",
            "the losses lie {price:.2f} nats over what the logits cost at the "
            "grey levels of x: too much for the KL.",
            "The losses are those of the steps, of the likelihood that is trained.",
            # healthy 2.79 to 6.15; others from 8.51 on
            most=7.5,
        ),
    ),
)

AUTOENCODER = Patient(
    autoencoder_numbers,
    (
        Limit(
            "explained",
            "{shown:.0%} of what makes digits differ came through eight numbers. There "
            "is no room for that.",
            "Does all that comes back come out of the decoder, and only there?",
            # healthy 0.587 to 0.647; others from 0.669 on
            most=0.658,
        ),
        Limit(
            "rest",
            "a digit changed a little in twelve ways comes back changed in more than "
            "eight: this did not come through eight numbers.",
            "Does all that comes back come out of the decoder, and only there?",
            # healthy 3.63e-08 to 0.000587; others from 0.016 on
            most=5e-3,
        ),
        Limit(
            "explained",
            "{shown:.0%} of what makes digits differ from their mean comes back.",
            "Print the shape of every tensor on the way to the loss.",
            # healthy 0.587 to 0.647; others up to 0.133
            least=0.138,
        ),
        Limit(
            "explained",
            "{shown:.0%} of what makes digits differ from their mean comes back. Eight "
            "straight axes bring back half.",
            "How many digits has the network seen in all its steps? Draw the loss: was "
            "it trained for too short?",
            # healthy 0.587 to 0.647; others up to 0.526
            least=0.556,
        ),
    ),
)

RING = Patient(
    ring_numbers,
    (
        Limit(
            "copied",
            "these are points of the file, and none of the generator's.",
            "Where no file is at hand, what would your program draw from z?",
            # healthy 0 to 0.004; others from 1 on
            most=0.5,
        ),
        Limit(
            "found",
            "only {found:.0f} of 6 modes got more than 1% of the samples.",
            "Draw what the discriminator is shown as real in steps 10, 100 and 300.",
            # healthy 6; others up to 2
            least=6,
        ),
        Limit(
            "near",
            "only {near:.0%} of the samples lie near a mode.",
            "Draw samples over the ring every 100 steps: was it trained for too short?",
            # healthy 0.774 to 0.931; others up to 0.211
            least=0.6,
        ),
        Limit(
            "kept",
            "with 12 of the 12,000 points changed, {kept:.0%} of the samples stay as "
            "they were, to the last digit.",
            "A generator learns from all points, and each sample shows all that it "
            "learnt. Which rows does your program ever look at?",
            # healthy 0; others from 0.999 on
            most=0.5,
        ),
        Limit(
            "near",
            "{near:.1%} of the samples lie near a mode, as of the data themselves.",
            "A generator bends one cloud of z to six spots, so that some samples lie "
            "between. Are these its samples?",
            # healthy 0.774 to 0.931; others from 0.978 on
            most=0.95,
        ),
    ),
)

JUDGE = Patient(
    judge_numbers,
    (
        Limit(
            "twice",
            "asked twice about a digit, it differs by up to {twice:.2f} from itself. "
            "{changed:.0%} of all change their class.",
            "After training, ask twice again, one layer more each time. Where is it?",
            # healthy 0; others from 0.239 on
            most=1e-3,
        ),
        Limit(
            "company",
            "what it says of a digit depends on the others handed in with it: "
            "probabilities move by up to {company:.2f}.",
            "Send one row in other company, one layer more each time. Where is it?",
            # healthy 0; others from 0.199 on
            most=1e-3,
        ),
        Limit(
            "right",
            "it says the same each time, and is right in {right:.0%} only.",
            "Draw the loss of its training. Does all that has learnt work in the end?",
            # healthy 0.878 to 0.928; others up to 0.853
            least=0.855,
        ),
        Limit(
            "unit",
            "with 16 times the light, in training too, its answers change by "
            "{unit:.1%}.",
            "Which layer makes the unit of the pictures not matter, and when does it?",
            # healthy 0.00158 to 0.0131; others from 0.0765 on
            most=0.045,
        ),
        Limit(
            "price",
            "it is right in {right:.0%}, and its probabilities cost {cost:.2f} nats a "
            "digit (the mean of -ln p of the right class): a healthy one does better.",
            "Are these the softmax of all that the network has learnt, with no feature "
            "left out?",
            # healthy 0.476 to 0.765; others from 0.825 on
            most=0.795,
        ),
    ),
)

TOO_LONG = "Is the other term too small now?"

ERROR_BARS = Patient(
    error_bar_numbers,
    (
        Limit(
            "least_pull",
            "the truth lies {pull:.2f} error bars off, root mean square; 1 would be "
            "honest.",
            "Take batches of 16 instead of 64. Should error bars depend on that?",
            # healthy 0.935 to 1.01; others from 2.35 on
            most=1.12,
        ),
        Limit(
            "width",
            "the error bars are {width:.2f} times as long as the exact posterior's.",
            "What tells the encoder how long a unit of z is?",
            # healthy 0.98 to 1.03; others from 19.5 on
            most=4,
        ),
        Limit(
            "ratio",
            "compared with exact ones, the error bars of a quiet detector are "
            "{ratio:.2f} times as long as those of a noisy one.",
            "Which of the two terms knows sigma, and how does it enter there?",
            # healthy 0.941 to 1.06; others from 1.38 on
            least=0.8,
            most=1.2,
        ),
        Limit(
            "pull",
            "the truth lies {pull:.2f} error bars off, root mean square; 1 would be "
            "honest.",
            TOO_LONG,
            # healthy 0.971 to 1.04; others up to 0.944
            least=0.95,
        ),
        Limit(
            "width",
            "the error bars are {width:.2f} times as long as the exact posterior's.",
            TOO_LONG,
            # healthy 0.98 to 1.03; others from 1.07 on
            most=1.055,
        ),
        Limit(
            "width",
            "the error bars are {width:.2f} times as long as the exact posterior's.",
            "Is the other term too large now?",
            # healthy 0.98 to 1.03; others up to 0.924
            least=0.955,
        ),
        Limit(
            "off",
            "mu lies {off:.2f} error bars off the exact posterior's mean.",
            "Without noise a measurement tells z exactly. What pulls mu to 0 else?",
            # healthy 0.0354 to 0.118; others from 0.2 on
            most=0.2,
        ),
    ),
)

DENSITY = Patient(
    density_numbers,
    (
        Limit(
            "moved_scores",
            "with other fresh points, and all else as it was, the scores of the points "
            "held out change by up to {moved_scores:.2g} nats.",
            "Fresh points are there to be judged. Which lines see them before?",
            # healthy 0; others from 0.077 on
            most=1e-3,
        ),
        Limit(
            "moved_points",
            "the density of a point changes by up to {moved_points:.2g} nats with the "
            "fresh points that come along with it.",
            "Fresh points are there to be judged. Which lines see them before?",
            # healthy 0; others from 0.00579 on
            most=1e-3,
        ),
        Limit(
            "gap",
            "the points held out get {gap:,.3g} nats more than fresh points do.",
            "Nobody beats the truth by skill. Which points might have helped?",
            # healthy -0.0961 to 0.502; others from 0.578 on
            most=0.56,
        ),
        Limit(
            "gap",
            "the points held out get {gap:+.2f} nats, compared with fresh points.",
            "Both are points that the density has not seen. Which scores came back?",
            # healthy -0.0961 to 0.502; others up to -0.305
            least=-0.3,
        ),
        Limit(
            "leak",
            "points that are no centres of the density get {leak:.2g} nats less than "
            "the last score says.",
            "Count: how many points are centres, how many are held out, and how many "
            "are there?",
            # healthy -1.05e-06 to 1.05e-06; others from 0.0285 on
            least=-0.005,
            most=0.005,
        ),
        Limit(
            "short",
            "fresh points get {short:+,.3g} nats, compared with the true density.",
            "The claim agrees. Is the density too spiky, or too flat?",
            # healthy -0.843 to -0.386; others up to -1.43
            least=-1.1,
        ),
        Limit(
            "mass",
            "the density adds up to {mass:.3g} over the plane.",
            "Nobody beats the truth: does it still integrate to one?",
            # healthy 1; others from 20.1 on
            least=0.97,
            most=1.03,
        ),
        Limit(
            "worst",
            "for one of 32 rings of different size, fresh points get {worst:.2f} nats, "
            "compared with the true density.",
            "Who decides the width, and does it reach all sizes?",
            # healthy -4.16 to -0.517; others up to -5.04
            least=-5,
        ),
    ),
)

UNEQUAL = (
    "64 samples and 2,000 of one and the same model differ by {level:+.1f} times what "
    "divides a good model from a bad one."
)

MODELS = Patient(
    models_numbers,
    (
        Limit(
            "level",
            UNEQUAL,
            "Take 64 of the 2,000 at random, and measure them. Did the model change?",
            # healthy -0.297 to 0.244; others from 0.838 on
            most=0.5,
        ),
        Limit(
            "level",
            UNEQUAL,
            "Which rows of the 2,000 count, and in which order does a file have them?",
            # healthy -0.297 to 0.244; others up to -0.612
            least=-0.55,
        ),
        Limit(
            "wrong",
            "in {wrong:.0%} of the comparisons the bad model is as near as the good "
            "one, or nearer.",
            "Draw once more from the same models. How much do the distances scatter, "
            "and are there samples that count for nothing?",
            # healthy 0 to 0.0938; others from 0.302 on
            most=0.22,
        ),
        Limit(
            "loose",
            "a model whose features are right one by one, and do not belong together, "
            "is found only {loose:.2f} times as bad as others that are nearer.",
            "What in a Fréchet distance tells which features come together?",
            # healthy 0.333 to 3.97; others up to 0.0852
            least=0.2,
        ),
    ),
)


@examination("train_vae", SOUND, seconds=20)
def check_vae(ask: Ask) -> None:
    """Digits x (n, 196), seed -> mu, logvar (n, 2), and pictures (n, 196) in [0, 1]."""
    VAE.examine(ask)


@examination("train_cloud_gan", SOUND, seconds=20)
def check_cloud_gan(ask: Ask) -> None:
    """Points x (n, 2), seed -> samples before and after, of the same z, (500, 2)."""
    CLOUD.examine(ask)


@examination("train_coins", SOUND, seconds=20)
def check_coins(ask: Ask) -> None:
    """Digits x (n, 196), seed -> losses of all steps, in nats, and logits (n, 196)."""
    COINS.examine(ask)


@examination("train_autoencoder", SOUND, seconds=20)
def check_autoencoder(ask: Ask) -> None:
    """Digits x (n, 14, 14), seed -> the pictures that come back, like x."""
    AUTOENCODER.examine(ask)


@examination("train_ring_gan", SOUND, seconds=20)
def check_ring_gan(ask: Ask) -> None:
    """Points x (n, 2), mode by mode, seed -> samples (1000, 2) on all six modes."""
    RING.examine(ask)


@examination("train_judge", SOUND, seconds=20)
def check_judge(ask: Ask) -> None:
    """Digits x (n, 196), y (n,), new (m, 196), seed -> probabilities (m, 10)."""
    JUDGE.examine(ask)


@examination("train_error_bars", SOUND, seconds=20)
def check_error_bars(ask: Ask) -> None:
    """Channels x (n, 4), sigma, seed -> mu and standard deviation of q, (n,) each."""
    ERROR_BARS.examine(ask)


@examination("train_density", SOUND, seconds=20)
def check_density(ask: Ask) -> None:
    """Points x (n, 2), fresh (m, 2), seed -> scores held out, log-densities (m,)."""
    DENSITY.examine(ask)


@examination("compare_models", SOUND, seconds=20)
def check_models(ask: Ask) -> None:
    """Features (n, d), (m, d), of real ones (k, d), seed -> both distances, (2,)."""
    MODELS.examine(ask)


PATIENTS = {
    "vae": VAE,
    "cloud_gan": CLOUD,
    "coins": COINS,
    "autoencoder": AUTOENCODER,
    "ring_gan": RING,
    "judge": JUDGE,
    "error_bars": ERROR_BARS,
    "density": DENSITY,
    "models": MODELS,
}
