/**
 * The binary index of depmod and libkmod (modules.dep.bin(5)): a tree of nodes, each found by an offset from the
 * start of the file whose highest bits tell what the node has. All numbers are big-endian, all keys 7-bit ASCII.
 *
 *     magic u32, version u32, place of the root node u32, nodes
 *     node: [prefix NUL] [first u8, last u8, place u32 of every child] [count u32, values: priority u32, text NUL]
 *
 * A child is found by the character after the node's prefix; where there is none between first and last, its place
 * is 0. Values are in the order of their priority.
 */
export const TRIE_MAGIC = 0xb007f457;
/** Major and minor number: libkmod reads nothing of another major number. */
export const TRIE_VERSION = 0x0002_0001;

export const TRIE_HEADER_BYTES = 12;

/** What a node has, in the four highest bits of its place. */
export const NODE_HAS_PREFIX = 0x8000_0000;
export const NODE_HAS_VALUES = 0x4000_0000;
export const NODE_HAS_CHILDREN = 0x2000_0000;
/** The other bits: an offset into the file. */
export const NODE_OFFSET_MASK = 0x0fff_ffff;
