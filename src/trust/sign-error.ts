/** Why something cannot be signed with what was given. */
export class SignError extends Error {
  override readonly name = 'SignError';
}
