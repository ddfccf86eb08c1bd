/** A source that is well-formed but is not, or does not tell enough about, a kernel that modbox can be. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}
