import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import type { Subsystem } from '../../subsystem.js';
import { kobjOf } from './device.js';

interface Request {
  readonly device: Ptr;
  readonly type: number;
  value: number;
}

/** What a device must not lose in power saving (drivers/base/power/qos.c, Documentation/power/pm_qos_interface.rst). */
export class PmQos implements Subsystem {
  private readonly requests = new Map<Ptr, Request>();
  /** Requests of user space, by device and attribute. */
  private readonly exposed = new Map<string, Request>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dev_pm_qos_add_request: (device: Ptr, request: Ptr, type: number, value: number) =>
      this.add(device, request, type, value),
    dev_pm_qos_update_request: (request: Ptr, value: number) => this.update(request, value),
    dev_pm_qos_remove_request: (request: Ptr) => this.remove(request),
    dev_pm_qos_flags: (device: Ptr, mask: number) => this.flags(device, mask),
    dev_pm_qos_expose_flags: (device: Ptr, value: number) =>
      this.expose(device, 'pm_qos_no_power_off', 'DEV_PM_QOS_FLAGS', value),
    dev_pm_qos_hide_flags: (device: Ptr) => this.hide(device, 'pm_qos_no_power_off'),
    dev_pm_qos_expose_latency_limit: (device: Ptr, value: number) =>
      this.expose(device, 'pm_qos_resume_latency_us', 'DEV_PM_QOS_RESUME_LATENCY', value),
    dev_pm_qos_hide_latency_limit: (device: Ptr) => this.hide(device, 'pm_qos_resume_latency_us'),
  };

  private add(device: Ptr, request: Ptr, type: number, value: number): number {
    if (device === 0 || request === 0 || this.requests.has(request)) return -EINVAL;
    const before = this.aggregate(device, type);
    const struct = this.k.struct('dev_pm_qos_request');
    struct.set(request, 'type', type);
    struct.set(request, 'dev', device);
    this.requests.set(request, { device, type, value });
    return Number(this.aggregate(device, type) !== before);
  }

  private update(request: Ptr, value: number): number {
    const known = this.requests.get(request);
    if (!known) return -EINVAL;
    const before = this.aggregate(known.device, known.type);
    known.value = value;
    return Number(this.aggregate(known.device, known.type) !== before);
  }

  private remove(request: Ptr): number {
    const known = this.requests.get(request);
    if (!known) return -EINVAL;
    const before = this.aggregate(known.device, known.type);
    this.requests.delete(request);
    this.k.struct('dev_pm_qos_request').set(request, 'dev', 0);
    return Number(this.aggregate(known.device, known.type) !== before);
  }

  private of(device: Ptr, type: number): Request[] {
    const all = [...this.requests.values(), ...this.exposed.values()];
    return all.filter((request) => request.device === device && request.type === type);
  }

  /** The value that counts: all flags together, the highest minimum frequency, else the lowest number. */
  private aggregate(device: Ptr, type: number): number {
    const values = this.of(device, type).map((request) => request.value);
    if (type === this.k.enumValue('DEV_PM_QOS_FLAGS')) return values.reduce((all, value) => all | value, 0);
    if (type === this.k.enumValue('DEV_PM_QOS_MIN_FREQUENCY')) return Math.max(0, ...values);
    return Math.min(Number.MAX_SAFE_INTEGER, ...values);
  }

  private flags(device: Ptr, mask: number): number {
    const type = this.k.enumValue('DEV_PM_QOS_FLAGS');
    if (this.of(device, type).length === 0) return this.k.enumValue('PM_QOS_FLAGS_UNDEFINED');
    const set = this.aggregate(device, type) & mask;
    if (set === 0) return this.k.enumValue('PM_QOS_FLAGS_NONE');
    return this.k.enumValue(set === mask ? 'PM_QOS_FLAGS_ALL' : 'PM_QOS_FLAGS_SOME');
  }

  /** A request of user space, as a file in the device's power directory. */
  private expose(device: Ptr, file: string, type: string, value: number): number {
    const { k } = this;
    const power = k.get(Sysfs).directoryOf(kobjOf(k, device))?.children.get('power');
    const key = `${device} ${file}`;
    if (!(power instanceof SysfsDirectory) || this.exposed.has(key)) return -EINVAL;
    const request: Request = { device, type: k.enumValue(type), value };
    this.exposed.set(key, request);
    k.get(Sysfs).addText(
      power,
      file,
      0o644,
      () => `${request.value}\n`,
      (text) => {
        const wanted = Number(text.trim());
        if (!Number.isInteger(wanted)) return -EINVAL;
        request.value = wanted;
        return 0;
      },
    );
    return 0;
  }

  private hide(device: Ptr, file: string): void {
    const { k } = this;
    const power = k.get(Sysfs).directoryOf(kobjOf(k, device))?.children.get('power');
    const node = power instanceof SysfsDirectory ? power.children.get(file) : undefined;
    if (node) k.get(Sysfs).remove(node);
    this.exposed.delete(`${device} ${file}`);
  }
}
