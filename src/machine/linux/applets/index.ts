import type { Applet } from './applet.js';
import { chmodApplet, cpApplet, mvApplet, touchApplet } from './copy.js';
import { ioctlApplet, sysApplet } from './devices.js';
import { dmesgApplet } from './dmesg.js';
import { ddApplet, hexdumpApplet } from './dump.js';
import {
  lnApplet,
  lsApplet,
  mkdirApplet,
  mknodApplet,
  readlinkApplet,
  rmApplet,
  rmdirApplet,
  statApplet,
} from './files.js';
import { findApplet } from './find.js';
import { ipApplet } from './ip.js';
import { cutApplet, seqApplet, sortApplet, trApplet, uniqApplet } from './lines.js';
import { insmodApplet, lsmodApplet, modinfoApplet, modprobeApplet, rmmodApplet } from './modules.js';
import { mountApplet, umountApplet } from './mounts.js';
import { headApplet, tailApplet, teeApplet } from './parts.js';
import { printfApplet } from './printf.js';
import { sedApplet } from './sed.js';
import { clearApplet, dateApplet, idApplet, psApplet, sleepApplet, unameApplet } from './system.js';
import { taintApplet } from './taint.js';
import { bracketApplet, testApplet } from './test.js';
import { catApplet, echoApplet, grepApplet, wcApplet } from './text.js';

const status = (name: string, value: number): Applet => ({
  name,
  usage: name,
  summary: `Exits with status ${value}.`,
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run() {
    return value;
  },
});

/** Every command of the shell, in the order of `help`. */
export const APPLETS: ReadonlyMap<string, Applet> = new Map(
  [
    insmodApplet,
    rmmodApplet,
    modprobeApplet,
    lsmodApplet,
    modinfoApplet,
    dmesgApplet,
    taintApplet,
    psApplet,
    sleepApplet,
    unameApplet,
    dateApplet,
    idApplet,
    ipApplet,
    clearApplet,
    catApplet,
    echoApplet,
    printfApplet,
    seqApplet,
    lsApplet,
    findApplet,
    cpApplet,
    mvApplet,
    touchApplet,
    chmodApplet,
    mkdirApplet,
    rmApplet,
    rmdirApplet,
    mknodApplet,
    lnApplet,
    readlinkApplet,
    statApplet,
    mountApplet,
    umountApplet,
    ioctlApplet,
    sysApplet,
    grepApplet,
    headApplet,
    tailApplet,
    teeApplet,
    sedApplet,
    sortApplet,
    uniqApplet,
    cutApplet,
    trApplet,
    hexdumpApplet,
    ddApplet,
    wcApplet,
    testApplet,
    bracketApplet,
    status('true', 0),
    status('false', 1),
  ].map((applet) => [applet.name, applet]),
);
