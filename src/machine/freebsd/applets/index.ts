import { ddApplet, hexdumpApplet } from '../../shell/applets/dump.js';
import { cutApplet, seqApplet, sortApplet, trApplet, uniqApplet } from '../../shell/applets/lines.js';
import { headApplet, tailApplet, teeApplet } from '../../shell/applets/parts.js';
import { printfApplet } from '../../shell/applets/printf.js';
import { sedApplet } from '../../shell/applets/sed.js';
import { sleepApplet } from '../../shell/applets/sleep.js';
import { falseApplet, trueApplet } from '../../shell/applets/status.js';
import { bracketApplet, testApplet } from '../../shell/applets/test.js';
import { catApplet, echoApplet, grepApplet, wcApplet } from '../../shell/applets/text.js';
import type { Applet } from './applet.js';
import { lsApplet, mkdirApplet, rmApplet, rmdirApplet } from './files.js';
import { gconcatApplet, geomApplet, glabelApplet, gmirrorApplet, gnopApplet, gstripeApplet } from './geom.js';
import {
  kenvApplet,
  kldconfigApplet,
  kldloadApplet,
  kldstatApplet,
  kldunloadApplet,
  kldxrefApplet,
  sysctlApplet,
} from './klds.js';
import { mdconfigApplet } from './mdconfig.js';
import { mountApplet, umountApplet } from './mounts.js';
import { dmesgApplet, psApplet, unameApplet } from './system.js';

/** Every command of the shell of FreeBSD's machines, in the order of `help`. */
export const APPLETS: ReadonlyMap<string, Applet> = new Map(
  [
    kldloadApplet,
    kldunloadApplet,
    kldstatApplet,
    kldconfigApplet,
    kldxrefApplet,
    sysctlApplet,
    kenvApplet,
    dmesgApplet,
    psApplet,
    unameApplet,
    mdconfigApplet,
    geomApplet,
    gnopApplet,
    gconcatApplet,
    gstripeApplet,
    gmirrorApplet,
    glabelApplet,
    sleepApplet,
    catApplet,
    echoApplet,
    printfApplet,
    seqApplet,
    lsApplet,
    mkdirApplet,
    rmApplet,
    rmdirApplet,
    mountApplet,
    umountApplet,
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
