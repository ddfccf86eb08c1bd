/** The machine has no memory left for something that its kernel cannot do without. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory';
}
