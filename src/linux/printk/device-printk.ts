import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EPROBE_DEFER } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { errname } from '../lib/vsprintf/errname.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { deviceName, driverName, driverString, netDeviceName, netDeviceState } from './device-names.js';
import { parsePrefix } from './prefix.js';
import { Printk } from './printk.js';

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info'] as const;

/** Messages of devices and network devices (include/linux/dev_printk.h, include/linux/netdevice.h). */
export class DevicePrintk implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ...this.levels('_dev_', (level) => (device: Ptr, fmt: Ptr, args: VarArgs) => {
      this.device(device, level, this.text(fmt, args));
    }),
    ...this.levels('netdev_', (level) => (device: Ptr, fmt: Ptr, args: VarArgs) => {
      this.netDevice(device, level, this.text(fmt, args));
    }),
    _dev_printk: (level: Ptr, device: Ptr, fmt: Ptr, args: VarArgs) => {
      this.device(device, this.level(level), this.text(fmt, args));
    },
    netdev_printk: (level: Ptr, device: Ptr, fmt: Ptr, args: VarArgs) => {
      this.netDevice(device, this.level(level), this.text(fmt, args));
    },
    dev_printk_emit: (level: number, _device: Ptr, fmt: Ptr, args: VarArgs) =>
      this.k.get(Printk).emit(this.text(fmt, args), level, true),
    dev_vprintk_emit: (level: number, _device: Ptr, fmt: Ptr, args: Ptr) =>
      this.k.get(Printk).emit(this.text(fmt, this.k.convention.vaList(args)), level, true),
    dev_driver_string: (device: Ptr) => driverString(this.k, device),
    dev_err_probe: (device: Ptr, error: number, fmt: Ptr, args: VarArgs) => {
      const text = this.text(fmt, args);
      if (error === -EPROBE_DEFER) return error;
      const name = errname(-error);
      this.device(device, LOGLEVEL_ERR, `error ${name === undefined ? error : `-${name}`}: ${text}`);
      return error;
    },
  };

  /** `driver name: text`, as dev_err() and its siblings log it. */
  device(device: Ptr, level: number | undefined, text: string): void {
    const printk = this.k.get(Printk);
    if (device === 0) printk.emit(`(NULL device *): ${text}`, level, false);
    else printk.emit(`${driverName(this.k, device)} ${deviceName(this.k, device)}: ${text}`, level, true);
  }

  /** `driver name eth0: text`, as netdev_err() and its siblings log it. */
  netDevice(device: Ptr, level: number | undefined, text: string): void {
    const { k } = this;
    const printk = k.get(Printk);
    if (device === 0) {
      printk.emit(`(NULL net_device): ${text}`, level, false);
      return;
    }
    const name = `${netDeviceName(k, device)}${netDeviceState(k, device)}: ${text}`;
    const parent = k.struct('net_device').get(device, 'dev.parent');
    if (parent === 0) printk.emit(name, level, false);
    else printk.emit(`${driverName(k, parent)} ${deviceName(k, parent)} ${name}`, level, true);
  }

  private text(fmt: Ptr, args: VarArgs): string {
    return this.k.get(Vsprintf).text(fmt, args);
  }

  private level(prefix: Ptr): number | undefined {
    return parsePrefix(this.k.space.cstring(prefix)).level;
  }

  private levels(
    prefix: string,
    make: (level: number) => (device: Ptr, fmt: Ptr, args: VarArgs) => void,
  ): Record<string, (device: Ptr, fmt: Ptr, args: VarArgs) => void> {
    return Object.fromEntries(LEVELS.map((name, level) => [prefix + name, make(level)]));
  }
}
