import {
  md5sumApplet,
  sha1sumApplet,
  sha256sumApplet,
  sha512sumApplet,
} from '../../shell/applets/checksums.js';
import { ddApplet, hexdumpApplet } from '../../shell/applets/dump.js';
import { cutApplet, seqApplet, sortApplet, trApplet, uniqApplet } from '../../shell/applets/lines.js';
import { basenameApplet, dirnameApplet } from '../../shell/applets/names.js';
import { headApplet, tailApplet, teeApplet } from '../../shell/applets/parts.js';
import { printfApplet } from '../../shell/applets/printf.js';
import { sedApplet } from '../../shell/applets/sed.js';
import { sleepApplet } from '../../shell/applets/sleep.js';
import { falseApplet, trueApplet } from '../../shell/applets/status.js';
import { bracketApplet, testApplet } from '../../shell/applets/test.js';
import { catApplet, echoApplet, grepApplet, wcApplet } from '../../shell/applets/text.js';
import type { Applet } from './applet.js';
import { chmodApplet, cpApplet, mvApplet, touchApplet } from './copy.js';
import { ioctlApplet, sysApplet } from './devices.js';
import { dmesgApplet } from './dmesg.js';
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
import { insmodApplet, lsmodApplet, modinfoApplet, modprobeApplet, rmmodApplet } from './modules.js';
import { mountApplet, umountApplet } from './mounts.js';
import { pingApplet } from './ping.js';
import { clearApplet, dateApplet, idApplet, psApplet, unameApplet } from './system.js';
import { taintApplet } from './taint.js';

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
    pingApplet,
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
    basenameApplet,
    dirnameApplet,
    md5sumApplet,
    sha1sumApplet,
    sha256sumApplet,
    sha512sumApplet,
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
    trueApplet,
    falseApplet,
  ].map((applet) => [applet.name, applet]),
);
