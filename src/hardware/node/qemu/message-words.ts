import { readSync, writeSync } from 'node:fs';

/** Bytes of a word that a device writes a message to. */
const VECTOR_WORD = 4;
/** What is there while no message has come: message data has 16 bits. */
const NOTHING = 0xffff_ffff;
const ROOM = 0x1_0000;

/** Messages of devices: each vector has a word of memory of its own to write to, which is looked at now and then. */
export class MessageWords {
  private readonly deliver: ((data: number) => void)[] = [];
  private readonly words = Buffer.alloc(ROOM);

  /** `start`: offset in the file of memory that nothing else is in. */
  constructor(
    private readonly file: number,
    private readonly start: number,
  ) {}

  /** A word for a vector: its address. */
  add(deliver: (data: number) => void): number {
    const address = this.start + VECTOR_WORD * this.deliver.length;
    if (address + VECTOR_WORD > this.start + ROOM) throw new RangeError('no room for more message vectors');
    this.deliver.push(deliver);
    this.clear(address);
    return address;
  }

  /** Delivers what has come; whether anything has. */
  look(): boolean {
    const size = VECTOR_WORD * this.deliver.length;
    if (size === 0) return false;
    readSync(this.file, this.words, 0, size, this.start);
    let came = false;
    for (const [i, deliver] of this.deliver.entries()) {
      const data = this.words.readUInt32LE(VECTOR_WORD * i);
      if (data === NOTHING) continue;
      // Whatever comes between is served by the interrupt that is delivered now.
      this.clear(this.start + VECTOR_WORD * i);
      deliver(data);
      came = true;
    }
    return came;
  }

  private clear(address: number): void {
    const word = Buffer.alloc(VECTOR_WORD);
    word.writeUInt32LE(NOTHING);
    writeSync(this.file, word, 0, VECTOR_WORD, address);
  }
}
