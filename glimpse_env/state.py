"""The layout of the arrays that hold every lane's state: the columns' names, for kernels and Python alike."""

from __future__ import annotations

from typing import Final

# sprites: int64, (lanes, sprites, 10). A sprite is a rectangle of bank pixels, where its corner lies on the canvas, and
# how fast it goes; those that can move come first.
OFFSET: Final = 0  # index of its first pixel in the bank
ROW: Final = 1  # bank elements from one row to the next
PLANE: Final = 2  # bank elements from one colour plane to the next
HEIGHT: Final = 3  # 0 for a sprite that is not there
WIDTH: Final = 4
TOP: Final = 5
LEFT: Final = 6
CLASS: Final = 7  # the label of its image, where the scene needs it
DOWN: Final = 8  # pixels a step
ACROSS: Final = 9
SPRITE_COLUMNS: Final = 10

# table: int64, (images, 4). Where an image lies in the bank, its planes one after another, and its label.
IMAGE_OFFSET: Final = 0
IMAGE_HEIGHT: Final = 1
IMAGE_WIDTH: Final = 2
IMAGE_LABEL: Final = 3

# book: int64, (rows, references, length). Texts that a source brings along, such as those of each image, or a lexicon
# to draw words from; -1 where one has ended. No rows where the labels of the table say everything.

# texts: int64, (lanes, references, length). What is right: a label, or one or more sequences of symbols, -1 where one
# has ended. The first reference is the one that symbols are paid by.
# said: int64, (lanes, length). What the agent has said in this episode, -1 where it has said nothing yet; or where it
# has steered a sprite to.

# counts: int64, (lanes, 9).
SEED: Final = 0  # the bits of the lane's uint64 seed
EPISODE: Final = 1  # how many seeded episodes came before this one
INDEX: Final = 2  # scene to draw at the next reset, or NO_INDEX to draw by (seed, episode)
GLIMPSES: Final = 3  # glimpses taken, the first one of reset included
ZOOM: Final = 4  # index into the zooms of the current gaze
SYMBOL: Final = 5  # what was said at the latest step, or SILENT
SPOKEN: Final = 6  # how many symbols of a text have been said
SUCCESS: Final = 7  # whether a finished episode ended with the right answer
PHASE: Final = 8  # UNBORN, RUNNING or FINISHED
COUNT_COLUMNS: Final = 9

NO_INDEX: Final = -1
SILENT: Final = -1
UNBORN: Final = 0
RUNNING: Final = 1
FINISHED: Final = 2

# config: int64, one vector a task, the same for every lane; the zooms, then the scales, follow the named entries.
CANVAS_HEIGHT: Final = 0
CANVAS_WIDTH: Final = 1
CHANNELS: Final = 2
CLUTTER: Final = 3  # how many fragments
FRAGMENT: Final = 4  # the side of a fragment
PATCH: Final = 5
BUDGET: Final = 6
STOPPING: Final = 7
REWARD: Final = 8  # FINAL, EVERY, SHARE, PREFIX, BLEU or CIDER
PYRAMID: Final = 9  # whether every window is a power of two times an even patch: the fast path
SCENE: Final = 10  # which kernel lays it out, see `glimpse_env.scenes`
SPEECH: Final = 11  # NAMING, READING, STEERING or DRAWING
FEWEST: Final = 12  # images in a scene of several
MOST: Final = 13
END: Final = 14  # the symbol that closes a text, or SILENT
LENGTH: Final = 15  # most symbols of a text, the closing one included
ZOOMS: Final = 16  # how many zooms
SCALES: Final = 17  # how many scales
CLASSES: Final = 18  # how many classes the images have
STYLES: Final = 19  # how many styles they are drawn in, see `ImageSet`
STRINGS: Final = 20  # of a million scenes of words, how many show random letters
MOVERS: Final = 21  # how many sprites can move
SPLIT: Final = 22  # TRAIN, VALIDATION or TEST, in the order of `sources.SPLITS`
STROKES: Final = 23  # the first sprite that the agent draws; those before it are the hidden scene
BRUSHES: Final = 24  # where the brushes begin in the bank
LISTS: Final = 25  # where the zooms begin

NAMING: Final = 0  # one symbol, the answer
READING: Final = 1  # symbol after symbol
STEERING: Final = 2  # each symbol moves a sprite, and where that ends is the answer
DRAWING: Final = 3  # each symbol is a stroke on a canvas of the agent's own

FINAL: Final = 0
EVERY: Final = 1
SHARE: Final = 2
PREFIX: Final = 3
BLEU: Final = 4
CIDER: Final = 5
