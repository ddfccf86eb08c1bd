import type { Applet } from './applet.js';
import { ioctlApplet, sysApplet } from './devices.js';
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
import { insmodApplet, lsmodApplet, modinfoApplet, modprobeApplet, rmmodApplet } from './modules.js';
import { mountApplet, umountApplet } from './mounts.js';
import { headApplet, tailApplet, teeApplet } from './parts.js';
import { dmesgApplet, psApplet, sleepApplet, unameApplet } from './system.js';
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
    catApplet,
    echoApplet,
    lsApplet,
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
    wcApplet,
    testApplet,
    bracketApplet,
    status('true', 0),
    status('false', 1),
  ].map((applet) => [applet.name, applet]),
);
