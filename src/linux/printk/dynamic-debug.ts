import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { LOGLEVEL_DEBUG } from '../../kernel/log.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { deviceName, driverName, netDeviceName, netDeviceState } from './device-names.js';
import { Printk } from './printk.js';

/** Flags of a site (Documentation/admin-guide/dynamic-debug-howto.rst: p m f l t). */
const INCL_MODNAME = 0x02;
const INCL_FUNCNAME = 0x04;
const INCL_LINENO = 0x08;
const INCL_TID = 0x10;
const INCL_ANY = INCL_MODNAME | INCL_FUNCNAME | INCL_LINENO | INCL_TID;

/**
 * pr_debug() and its siblings. A site tests its own key or flags before it calls, so what arrives here is
 * enabled: by DEBUG when the module was compiled, or at run time.
 */
export class DynamicDebug implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __dynamic_pr_debug: (site: Ptr, fmt: Ptr, args: VarArgs) => {
      this.emit(`${this.prefix(site)}${this.text(fmt, args)}`, false);
    },
    __dynamic_dev_dbg: (site: Ptr, device: Ptr, fmt: Ptr, args: VarArgs) => {
      const text = this.text(fmt, args);
      if (device === 0) this.emit(`(NULL device *): ${text}`, false);
      else this.emit(`${this.prefix(site)}${this.ofDevice(device)}: ${text}`, true);
    },
    __dynamic_netdev_dbg: (site: Ptr, device: Ptr, fmt: Ptr, args: VarArgs) => {
      const { k } = this;
      const text = this.text(fmt, args);
      if (device === 0) return this.emit(`(NULL net_device): ${text}`, false);
      const name = `${netDeviceName(k, device)}${netDeviceState(k, device)}`;
      const parent = k.struct('net_device').get(device, 'dev.parent');
      if (parent === 0) return this.emit(`${name}: ${text}`, false);
      return this.emit(`${this.prefix(site)}${this.ofDevice(parent)} ${name}: ${text}`, true);
    },
    __dynamic_ibdev_dbg: (site: Ptr, device: Ptr, fmt: Ptr, args: VarArgs) => {
      const { k } = this;
      const text = this.text(fmt, args);
      if (device === 0) return this.emit(`(NULL ib_device): ${text}`, false);
      const type = k.struct('ib_device');
      const name = deviceName(k, type.addr(device, 'dev'));
      const parent = type.get(device, 'dev.parent');
      if (parent === 0) return this.emit(`${name}: ${text}`, false);
      return this.emit(`${this.prefix(site)}${this.ofDevice(parent)} ${name}: ${text}`, true);
    },
  };

  private text(fmt: Ptr, args: VarArgs): string {
    return this.k.get(Vsprintf).text(fmt, args);
  }

  private emit(text: string, wholeLine: boolean): void {
    this.k.get(Printk).emit(text, LOGLEVEL_DEBUG, wholeLine);
  }

  private ofDevice(device: Ptr): string {
    return `${driverName(this.k, device)} ${deviceName(this.k, device)}`;
  }

  /** `[12] module:function:34: `, as the site's flags ask. */
  private prefix(site: Ptr): string {
    const { k } = this;
    const type = k.struct('_ddebug');
    const flags = type.get(site, 'flags');
    if (!(flags & INCL_ANY)) return '';
    let text = '';
    if (flags & INCL_TID) {
      const task = k.executor.current;
      text += task && !task.isInterrupt ? `[${k.processes.pid(task)}] ` : '<intr> ';
    }
    if (flags & INCL_MODNAME) text += `${type.string(site, 'modname')}:`;
    if (flags & INCL_FUNCNAME) text += `${type.string(site, 'function')}:`;
    if (flags & INCL_LINENO) text += `${type.get(site, 'lineno')}:`;
    return text === '' || text.endsWith(' ') ? text : `${text} `;
  }
}
