// The sample of modules that record.mjs asks the real kernels about: the same for the same tree, size and seed.

/** Where a module belongs: `fs`, `net`, `drivers/net`, `sound/soc` and the like. */
export function subsystemOf(file) {
  const [, first, second] = file.split('/');
  return ['drivers', 'sound', 'arch'].includes(first) ? `${first}/${second}` : first;
}

/** Numbers in [0, 1), the same for the same seed. */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * `count` of `files`, from every subsystem: each gets a share that grows with the root of its size, so that the many
 * small ones are not lost among drivers/media and drivers/net.
 */
export function sample(files, count, seed) {
  const random = randomNumbers(seed);
  const groups = new Map();
  for (const file of [...files].sort()) {
    const group = subsystemOf(file);
    if (!groups.has(group)) groups.set(group, { waiting: [], taken: 0 });
    groups.get(group).waiting.push(file);
  }
  for (const group of groups.values()) {
    group.size = group.waiting.length;
    for (let i = group.size - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [group.waiting[i], group.waiting[j]] = [group.waiting[j], group.waiting[i]];
    }
  }
  const chosen = [];
  while (chosen.length < Math.min(count, files.length)) {
    const open = [...groups.values()].filter((g) => g.waiting.length > 0);
    const next = open.reduce((best, g) => ((g.taken + 1) / Math.sqrt(g.size) < (best.taken + 1) / Math.sqrt(best.size) ? g : best));
    chosen.push(next.waiting.pop());
    next.taken++;
  }
  return chosen.sort();
}
