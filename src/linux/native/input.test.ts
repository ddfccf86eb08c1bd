import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { type Guest, guest } from '../testing/guest.js';

const target = await imageTarget();

// include/uapi/linux/input-event-codes.h
const EV_KEY = 1;
const EV_ABS = 3;
const BTN_TOUCH = 0x14a;
const ABS_MT_SLOT = 0x2f;
const ABS_MT_POSITION_X = 0x35;
const ABS_MT_TOOL_TYPE = 0x37;
const ABS_MT_TRACKING_ID = 0x39;

/** A touch screen with two slots, registered, and the events that a handler was given of it: `type/code/value`. */
function touchScreen({ k, call, struct }: Guest): { device: Ptr; events: string[] } {
  const { space } = k;
  const events: string[] = [];
  const device = call.input_allocate_device();
  k.struct('input_dev').set(device, 'name', k.constantString('touch screen'));
  call.input_set_capability(device, EV_KEY, BTN_TOUCH);
  call.input_set_abs_params(device, ABS_MT_POSITION_X, 0, 4095, 0, 0);
  expect(call.input_mt_init_slots(device, 2, 0)).toBe(0);
  expect(call.input_register_device(device)).toBe(0);
  const handler = struct.input_handler();
  const handle = struct.input_handle({ dev: device, handler, name: k.constantString('test0') });
  const type = k.struct('input_handler');
  const host = (name: string, signature: string, fn: (...args: number[]) => unknown): Ptr =>
    k.exports.hostFunction(name, signature, fn as never);
  type.set(handler, 'name', k.constantString('test'));
  type.set(
    handler,
    'event',
    host('test_event', 'v:puui', (_h, kind, code, value) => {
      events.push(`${kind}/${code}/${value}`);
    }),
  );
  type.set(
    handler,
    'connect',
    host('test_connect', 'i:ppp', () => 0),
  );
  const ids = k.permanent(2 * k.sizeOf('input_device_id'));
  space.store64(k.struct('input_device_id').addr(ids, 'driver_info'), 1n);
  type.set(handler, 'id_table', ids);
  expect(call.input_register_handler(handler)).toBe(0);
  expect(call.input_register_handle(handle)).toBe(0);
  expect(call.input_open_device(handle)).toBe(0);
  return { device, events };
}

describe.skipIf(target === undefined)(
  'several fingers at once, as the target follows them, on an input device of TypeScript',
  () => {
    const machine = guest({}, target!);
    const { call } = machine;

    it('get slots, tracking ids and positions, which a handler sees', () => {
      const { device, events } = touchScreen(machine);
      call.input_event(device, EV_ABS, ABS_MT_SLOT, 1);
      expect(call.input_mt_report_slot_state(device, 0, 1)).toBe(1);
      call.input_event(device, EV_ABS, ABS_MT_POSITION_X, 100);
      call.input_mt_sync_frame(device);
      call.input_event(device, 0, 0, 0);
      expect(events).toEqual(
        expect.arrayContaining([`${EV_ABS}/${ABS_MT_TRACKING_ID}/0`, `${EV_ABS}/${ABS_MT_POSITION_X}/100`]),
      );
      expect(events).not.toContain(`${EV_ABS}/${ABS_MT_TOOL_TYPE}/1`);
      expect(machine.reports()).toEqual([]);
      expect(machine.k.native?.use.subsystems).toContain('input');
    });
  },
);
