import { i2cRaw } from '../i2c/i2c-raw.js';
import { ms } from '../time.js';

/** A 24C02: 256 bytes in pages of eight (Microchip 24AA02/24LC02B datasheet). */
const SIZE = 256;
const PAGE = 8;
/** "Page write time: 5 ms maximum": until then it acknowledges nothing. */
const WRITE_TIME = ms(5);

/** An EEPROM of 256 bytes. A message to it begins with an address; what follows is written into one page, round and round. */
export const at24c02 = i2cRaw({
  name: 'at24c02',
  type: '24c02',
  address: 0x50,
  state: () => ({ bytes: new Uint8Array(SIZE).fill(0xff), pointer: 0, writing: false }),
  alarms: {
    written(chip) {
      chip.state.writing = false;
    },
  },
  write(chip, bytes) {
    const { state } = chip;
    if (state.writing) return 'nak';
    if (bytes.length === 0) return 'ack';
    state.pointer = bytes[0];
    const page = state.pointer - (state.pointer % PAGE);
    for (const byte of bytes.subarray(1)) {
      state.bytes[state.pointer] = byte;
      state.pointer = page + ((state.pointer + 1) % PAGE);
    }
    if (bytes.length > 1) {
      state.writing = true;
      chip.after(WRITE_TIME, 'written');
    }
    return 'ack';
  },
  read({ state }, count) {
    if (state.writing) return 'nak';
    return Uint8Array.from({ length: count }, () => {
      const byte = state.bytes[state.pointer];
      state.pointer = (state.pointer + 1) % SIZE;
      return byte;
    });
  },
});
