/** A source that is well-formed but is not, or does not tell enough about, a kernel that modbox can be. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/** A kernel has no such symbol, type or member, and something cannot do without. `what` names it: `symbol init_net`. */
export function lacking(target: string, what: string): TargetError {
  return new TargetError(
    `${target} has no ${what}: modbox does not know kernels of its version and configuration well enough; take another kernel, or report this with its boot/config file`,
  );
}
