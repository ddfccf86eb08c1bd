/** Where the decoder's models and data are in its memory. Names: "LZMA Specification" (LZMA SDK, public domain, 2015). */

const PROBABILITY_BYTES = 2;
const POS_STATES_MAX = 16;
const STATES = 12;
/** States below this one follow a literal. */
export const LIT_STATES = 7;
export const MATCH_MIN = 2;
/** From this slot on, distances have bits without a model. */
export const END_POS_MODEL = 14;
export const ALIGN_BITS = 4;
const FULL_DISTANCES = 128;
const LENGTH_TO_POS_STATES = 4;
/** lc + lp is at most 4. */
const LITERAL_CONTEXTS_MAX = 16;
/** Models of one literal context: one tree without and two with the byte that a match would have gone on with. */
export const LITERAL_MODELS = 0x300;

let end = 0;
function models(count: number): number {
  const at = end;
  end += count * PROBABILITY_BYTES;
  return at;
}

export const IS_MATCH = models(STATES * POS_STATES_MAX);
export const IS_REP = models(STATES);
export const IS_REP0 = models(STATES);
export const IS_REP1 = models(STATES);
export const IS_REP2 = models(STATES);
export const IS_REP0_LONG = models(STATES * POS_STATES_MAX);
export const DIST_SLOT = models(LENGTH_TO_POS_STATES * 64);
export const DIST_SPECIAL = models(FULL_DISTANCES);
export const DIST_ALIGN = models(1 << ALIGN_BITS);

// Of a length's models.
export const CHOICE = 0;
export const CHOICE2 = PROBABILITY_BYTES;
/** Trees of eight models, one for each position. */
export const LENGTH_LOW = 2 * PROBABILITY_BYTES;
export const LENGTH_MID = LENGTH_LOW + POS_STATES_MAX * 8 * PROBABILITY_BYTES;
export const LENGTH_HIGH = LENGTH_MID + POS_STATES_MAX * 8 * PROBABILITY_BYTES;
const LENGTH_MODELS = 2 + 2 * POS_STATES_MAX * 8 + 256;
export const MATCH_LENGTH = models(LENGTH_MODELS);
export const REP_LENGTH = models(LENGTH_MODELS);
export const LITERAL = models(LITERAL_MODELS * LITERAL_CONTEXTS_MAX);
export const MODELS_END = end;

// What lasts from chunk to chunk.
export const STATE = 0x8000;
export const REP0 = STATE + 4;
export const REP1 = STATE + 8;
export const REP2 = STATE + 12;
export const REP3 = STATE + 16;
export const STATE_END = STATE + 20;
export const LITERAL_CONTEXT_BITS = STATE_END;
export const LITERAL_POS_MASK = STATE + 24;
export const POS_MASK = STATE + 28;

export const CRC32_TABLES = 0x8100;
export const CRC64_TABLES = CRC32_TABLES + 16 * 256 * 4;

/** A chunk's packed bytes: at most 64 KiB, then zeros, as many as one symbol can ask for. */
export const INPUT = 0x1_8000;
export const INPUT_SLACK = 0x100;
export const OUTPUT = 0x2_9000;
/** Copies go in steps of eight bytes and may write this much past a match. */
export const OUTPUT_SLACK = 64;
