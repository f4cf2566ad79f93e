/** What can be wrong with a block. src/kernel/kernel.ts names the same codes, in this order. */
export const OK: i32 = 0
/** The block's bytes do not match its CRC32. */
export const BAD_CRC: i32 = 1
/** A part ends before what it announces. */
export const TRUNCATED: i32 = 2
/** An encoding that does not exist, or bytes that are not of it. */
export const BAD_ENCODING: i32 = 3
/** Not as many values as times. */
export const COUNT_MISMATCH: i32 = 4
/** Times that do not rise, within a block or from one block of a source to the next. */
export const TIME_ORDER: i32 = 5
/** The block is of another type than its index says. */
export const TYPE_MISMATCH: i32 = 6
/** The first or last time is not what the index says. */
export const INDEX_MISMATCH: i32 = 7
/** More values than any InfluxDB writes into a block. */
export const TOO_LARGE: i32 = 8
/** A time that no InfluxDB takes, as it is the largest there is. */
export const BAD_TIME: i32 = 9
/** Not an error of the block: the memory that was allowed is used up. */
export const NO_MEMORY: i32 = 10

/** How the blocks of a source are encoded: TSM's way, or the reader's own for sorted runs of a WAL. */
export const TSM: u32 = 0
export const WAL: u32 = 1

/** TSM's block types. */
export const FLOAT: u32 = 0
export const INTEGER: u32 = 1
export const BOOLEAN: u32 = 2
export const STRING: u32 = 3
export const UNSIGNED: u32 = 4

/**
 * What the values of a source become: `type | cast << 3 | part << 6`, which without a cast and in a column of one part is its
 * type. A cast is 0, or a type (below) and one, or one of these.
 */
/** No value at all: it is counted as refused, and not told. */
export const TO_NOTHING: u32 = 6
/** As 1.x has it, also where v3 has no way to write it. */
export const AS_IT_IS: u32 = 7

/** Why a point cannot be a field of a row. */
export const REFUSED_NOT_FINITE: u32 = 0
export const REFUSED_UTF8: u32 = 1
export const REFUSED_LENGTH: u32 = 2
export const REFUSED_CAST: u32 = 3

/** v3 takes no longer string field, in bytes. */
export const LONGEST_STRING: u32 = 1 << 20
/** Longer ones are counted: most clusters refuse them (src/lines/long-strings.ts). */
export const LONG_STRING: u32 = 1 << 16

/** InfluxDB writes at most 10,000 values into a block; what claims a hundred times that is not one. */
export const LARGEST_BLOCK: u32 = 1 << 20

/** A cursor at its end. No point has this time: InfluxDB takes none, and BAD_TIME sees to it. */
export const NEVER: i64 = i64.MAX_VALUE
