import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { isErr } from '../errors.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();

/** TPM 2.0 Library, part 2: command codes, capabilities, a property, an algorithm. */
const TPM2_ST_NO_SESSIONS = 0x8001;
const TPM2_CC_SELF_TEST = 0x143;
const TPM2_CC_GET_CAPABILITY = 0x17a;
const TPM2_CC_GET_RANDOM = 0x17b;
const TPM2_CAP_COMMANDS = 2;
const TPM2_CAP_PCRS = 5;
const TPM2_CAP_PROPERTIES = 6;
const TPM_PT_TOTAL_COMMANDS = 0x129;
const TPM_ALG_SHA256 = 0xb;
const TPM_RC_COMMAND_CODE = 0x143;

/** Flags of struct tpm_class_ops (include/linux/tpm.h): the core starts the chip. */
const TPM_OPS_AUTO_STARTUP = 1;
/** enum tpm_chip_flags (include/linux/tpm.h). */
const TPM_CHIP_FLAG_TPM2 = 1 << 1;

/** A response: header, result, what follows as big-endian numbers of some bytes each. */
function response(result: number, parts: readonly (readonly [number, number])[] = []): Uint8Array {
  const all = [[TPM2_ST_NO_SESSIONS, 2], [0, 4], [result, 4], ...parts];
  const bytes = all.flatMap(([value, size]) =>
    Array.from({ length: size }, (_, at) => (value / 2 ** (8 * (size - 1 - at))) & 0xff),
  );
  bytes[5] = bytes.length;
  return Uint8Array.from(bytes);
}

/** What a TPM that has one bank of registers, and three commands, says to a command. */
function answer(command: DataView): Uint8Array {
  const code = command.getUint32(6);
  if (code === TPM2_CC_SELF_TEST) return response(0);
  if (code === TPM2_CC_GET_RANDOM) {
    const size = command.getUint16(10);
    return response(0, [[size, 2], ...Array.from({ length: size }, (_, i): [number, number] => [i + 1, 1])]);
  }
  if (code !== TPM2_CC_GET_CAPABILITY) return response(TPM_RC_COMMAND_CODE);
  const capability = command.getUint32(10);
  const head = (count: number): [number, number][] => [
    [0, 1],
    [capability, 4],
    [count, 4],
  ];
  switch (capability) {
    case TPM2_CAP_PROPERTIES:
      return response(0, [...head(1), [TPM_PT_TOTAL_COMMANDS, 4], [3, 4]]);
    case TPM2_CAP_COMMANDS:
      return response(0, [
        ...head(3),
        [TPM2_CC_SELF_TEST, 4],
        [TPM2_CC_GET_CAPABILITY, 4],
        [TPM2_CC_GET_RANDOM, 4],
      ]);
    case TPM2_CAP_PCRS:
      return response(0, [...head(1), [TPM_ALG_SHA256, 2], [3, 1], [0xffffff, 3]]);
    default:
      return response(TPM_RC_COMMAND_CODE);
  }
}

describe.skipIf(target === undefined)('TPM chips, as the target has them', () => {
  const { k, call, struct, reports } = guest({}, target!);
  const heard: number[] = [];
  let pending = new Uint8Array();

  function operations(): Ptr {
    const ops = struct.tpm_class_ops();
    const type = k.struct('tpm_class_ops');
    const bind = (member: string, signature: string, fn: (...args: number[]) => number) =>
      type.set(ops, member, k.exports.hostFunction(`chip_${member}`, signature, fn));
    bind('send', 'i:ppL', (_chip, buffer, length) => {
      const view = new DataView(k.space.bytes.slice(buffer, buffer + length).buffer);
      heard.push(view.getUint32(6));
      pending = Uint8Array.from(answer(view));
      return 0;
    });
    bind('recv', 'i:ppL', (_chip, buffer) => {
      k.space.bytes.set(pending, buffer);
      return pending.length;
    });
    type.set(ops, 'flags', TPM_OPS_AUTO_STARTUP);
    bind('status', 'i:p', () => 0);
    return ops;
  }

  it('one that a driver brings is asked what it can, has its device and gives random bytes', () => {
    const parent = struct.device();
    call.device_initialize(parent);
    call.dev_set_name(parent, k.constantString('tpm-parent'));
    expect(call.device_add(parent)).toBe(0);
    const chip = call.tpm_chip_alloc(parent, operations());
    expect(isErr(chip)).toBe(false);
    const type = k.struct('tpm_chip');
    type.set(chip, 'flags', type.get(chip, 'flags') | TPM_CHIP_FLAG_TPM2);
    expect(call.tpm_chip_register(chip)).toBe(0);
    expect(heard).toContain(TPM2_CC_SELF_TEST);
    expect(type.get(chip, 'nr_allocated_banks')).toBe(1);
    expect(call.tpm_is_tpm2(chip)).toBe(1);
    const bytes = k.permanent(8);
    expect(call.tpm_get_random(chip, bytes, 8)).toBe(8);
    expect([...k.space.bytes.slice(bytes, bytes + 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(reports()).toEqual([]);
    call.tpm_chip_unregister(chip);
    call.put_device(type.addr(chip, 'dev'));
    expect(k.native?.use.subsystems).toContain('tpm');
    expect(reports()).toEqual([]);
  });
});
