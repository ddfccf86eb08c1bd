import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Sbufs } from '../kern/sbuf.js';
import { SubrPrf } from '../kern/subr_prf.js';
import { Sysctls } from '../kern/sysctl.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Bios } from './bios.js';
import { GeomEvents } from './events.js';
import { GeomObjects } from './objects.js';

/** Where classes begin that `kern.geom.conftxt` shows. */
const DISKS = ['DISK', 'MD'];
const SPECIAL = new Set('&<>\'"');
const TILDE = 0x7e;
const SPACE = 0x20;
const WHITE = new Set('\t\n\r');

/** What GEOM tells of itself: kern.geom.confxml and its like, and its traces (sys/geom/geom_dump.c). */
export class GeomDump implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_conf_cat_escaped: (sbuf: Ptr, text: Ptr) => this.put(sbuf, escaped(this.k.space.cstring(text))),
    g_conf_printf_escaped: (sbuf: Ptr, format: Ptr, args: VarArgs) =>
      this.put(sbuf, escaped(this.k.get(SubrPrf).text(format, args))),
    g_trace: (level: number, format: Ptr, args: VarArgs) => {
      const flags = this.k.space.load32(this.k.variable('g_debugflags'));
      if (flags & level) this.k.get(SubrPrf).line(this.k.get(SubrPrf).text(format, args));
    },
    g_dbg_printf: (name: Ptr, level: number, bio: Ptr, format: Ptr, args: VarArgs) => {
      const text = this.k.get(SubrPrf).text(format, args);
      const where = level >= 0 ? `[${level}]` : '';
      const what = bio === 0 ? '' : ` ${this.k.get(Bios).text(bio)}`;
      this.k.get(SubrPrf).line(`${this.k.space.cstring(name)}${where}${text}${what}`);
    },
    g_format_bio: (sbuf: Ptr, bio: Ptr) => this.put(sbuf, this.k.get(Bios).text(bio)),
    g_print_bio: (prefix: Ptr, bio: Ptr, format: Ptr, args: VarArgs) => {
      const after = this.k.get(SubrPrf).text(format, args);
      this.k.get(SubrPrf).line(`${this.k.space.cstring(prefix)}${this.k.get(Bios).text(bio)}${after}`);
    },
  };

  boot(): void {
    this.leaf('confxml', (sbuf) => this.xml(sbuf));
    this.leaf('conftxt', (sbuf) => this.text(sbuf));
    this.leaf('confdot', (sbuf) => this.dot(sbuf));
    const { k } = this;
    const kind = k.macro('CTLTYPE_INT') | k.macro('CTLFLAG_RW');
    const at = k.variable('g_debugflags');
    const handler = k.fn('sysctl_handle_int');
    const fields = { oid_kind: kind, oid_arg1: at, oid_arg2: 0, oid_handler: handler };
    k.get(Sysctls).leaf('kern.geom.debugflags', undefined, fields, 'I');
  }

  /** A sysctl whose text is put together with the topology locked. */
  private leaf(name: string, fill: (sbuf: Ptr) => Sleepable<void>): void {
    const { k } = this;
    const symbol = `sysctl_kern_geom_${name}`;
    const handler = k.exports.hostFunction(
      symbol,
      'i:ppqp',
      (_oid: Ptr, _arg1: Ptr, _arg2: bigint, req: Ptr) => this.tell(fill, req),
    );
    const kind = k.macro('CTLTYPE_STRING') | k.macro('CTLFLAG_RD');
    const fields = { oid_kind: kind, oid_arg1: 0, oid_arg2: 0, oid_handler: handler };
    k.get(Sysctls).leaf(`kern.geom.${name}`, undefined, fields, '');
  }

  private *tell(fill: (sbuf: Ptr) => Sleepable<void>, req: Ptr): Sleepable<number> {
    const { k } = this;
    const sbufs = k.get(Sbufs);
    const sbuf = sbufs.exports.sbuf_new(0, 0, 0, k.macro('SBUF_AUTOEXTEND'));
    yield* k.get(GeomEvents).waitFor(function* (cancelled): Sleepable<void> {
      if (!cancelled) yield* fill(sbuf);
    });
    yield* k.wait(sbufs.exports.sbuf_finish(sbuf));
    const text = sbufs.text(sbuf);
    sbufs.exports.sbuf_delete(sbuf);
    return yield* k.get(Sysctls).out(
      req,
      Uint8Array.from(`${text}\0`, (char) => char.charCodeAt(0)),
    );
  }

  /** Text of the kernel's own. */
  readonly put = (sbuf: Ptr, text: string): Sleepable<void> => this.k.get(Sbufs).append(sbuf, text);

  readonly escape = escaped;

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private id(at: Ptr): string {
    return `0x${this.k.space.toAddress(at).toString(16)}`;
  }

  private mode(type: 'g_consumer' | 'g_provider', at: Ptr): string {
    const [read, write, exclusive] = ['acr', 'acw', 'ace'].map((count) => this.k.struct(type).get(at, count));
    return `r${read}w${write}e${exclusive}`;
  }

  /** A geom's own word, if it has one. */
  private *config(sbuf: Ptr, indent: string, dumped: Dumped): Sleepable<void> {
    const { k, objects } = this;
    const { geom, consumer, provider, margin } = dumped;
    if (objects.geom.get(geom, 'dumpconf') === 0) return;
    yield* this.put(sbuf, `${margin}<config>\n`);
    const at = k.constantString(indent);
    yield* objects.geom.call(geom, 'dumpconf', sbuf, at, geom, consumer, provider);
    yield* this.put(sbuf, `${margin}</config>\n`);
  }

  private *xml(sbuf: Ptr): Sleepable<void> {
    const { objects } = this;
    yield* this.put(sbuf, '<mesh>\n');
    for (const type of objects.classes()) {
      const name = escaped(this.k.struct('g_class').string(type, 'name'));
      yield* this.put(sbuf, `  <class id="${this.id(type)}">\n    <name>${name}</name>\n`);
      for (const geom of objects.links.geoms(type)) yield* this.geomXml(sbuf, type, geom);
      yield* this.put(sbuf, '  </class>\n');
    }
    yield* this.put(sbuf, '</mesh>\n');
  }

  private *geomXml(sbuf: Ptr, type: Ptr, geom: Ptr): Sleepable<void> {
    const { objects } = this;
    yield* this.put(sbuf, `    <geom id="${this.id(geom)}">\n      <class ref="${this.id(type)}"/>\n`);
    yield* this.put(sbuf, `      <name>${escaped(objects.nameOf(geom))}</name>\n`);
    yield* this.put(sbuf, `      <rank>${objects.geom.get(geom, 'rank')}</rank>\n`);
    if (objects.has(geom, 'G_GEOM_WITHER')) yield* this.put(sbuf, '      <wither/>\n');
    else yield* this.config(sbuf, '\t', { geom, consumer: 0, provider: 0, margin: '      ' });
    for (const consumer of objects.links.consumers(geom)) yield* this.consumerXml(sbuf, geom, consumer);
    for (const provider of objects.links.providers(geom)) yield* this.providerXml(sbuf, geom, provider);
    yield* this.put(sbuf, '    </geom>\n');
  }

  private *consumerXml(sbuf: Ptr, geom: Ptr, at: Ptr): Sleepable<void> {
    const { objects } = this;
    const to = objects.consumer.get(at, 'provider');
    yield* this.put(sbuf, `\t<consumer id="${this.id(at)}">\n\t  <geom ref="${this.id(geom)}"/>\n`);
    if (to !== 0) yield* this.put(sbuf, `\t  <provider ref="${this.id(to)}"/>\n`);
    yield* this.put(sbuf, `\t  <mode>${this.mode('g_consumer', at)}</mode>\n`);
    if (!objects.has(geom, 'G_GEOM_WITHER'))
      yield* this.config(sbuf, '\t    ', { geom, consumer: at, provider: 0, margin: '\t  ' });
    yield* this.put(sbuf, '\t</consumer>\n');
  }

  private *providerXml(sbuf: Ptr, geom: Ptr, at: Ptr): Sleepable<void> {
    const { objects } = this;
    const { provider } = objects;
    yield* this.put(sbuf, `\t<provider id="${this.id(at)}">\n\t  <geom ref="${this.id(geom)}"/>\n`);
    yield* this.put(sbuf, `\t  <mode>${this.mode('g_provider', at)}</mode>\n`);
    yield* this.put(sbuf, `\t  <name>${escaped(provider.string(at, 'name'))}</name>\n`);
    for (const alias of objects.aliases(at)) yield* this.put(sbuf, `\t  <alias>${escaped(alias)}</alias>\n`);
    for (const member of ['mediasize', 'sectorsize', 'stripesize', 'stripeoffset'])
      yield* this.put(sbuf, `\t  <${member}>${provider.get(at, member)}</${member}>\n`);
    if (objects.has(at, 'G_PF_WITHER')) yield* this.put(sbuf, '\t  <wither/>\n');
    else if (!objects.has(geom, 'G_GEOM_WITHER'))
      yield* this.config(sbuf, '\t    ', { geom, consumer: 0, provider: at, margin: '\t  ' });
    yield* this.put(sbuf, '\t</provider>\n');
  }

  private *text(sbuf: Ptr): Sleepable<void> {
    const { objects, k } = this;
    for (const type of objects.classes())
      if (DISKS.includes(k.struct('g_class').string(type, 'name')))
        for (const geom of objects.links.geoms(type)) yield* this.geomText(sbuf, geom, 0);
  }

  private *geomText(sbuf: Ptr, geom: Ptr, level: number): Sleepable<void> {
    const { objects } = this;
    if (objects.has(geom, 'G_GEOM_WITHER')) return;
    for (const at of objects.links.providers(geom)) {
      const [name, media, sector] = [
        objects.provider.string(at, 'name'),
        objects.provider.get(at, 'mediasize'),
        objects.provider.get(at, 'sectorsize'),
      ];
      yield* this.put(sbuf, `${level} ${objects.className(geom)} ${name} ${media} ${sector}`);
      if (objects.geom.get(geom, 'dumpconf') !== 0)
        yield* objects.geom.call(geom, 'dumpconf', sbuf, 0, geom, 0, at);
      yield* this.put(sbuf, '\n');
      for (const consumer of objects.links.attached(at))
        yield* this.geomText(sbuf, objects.consumer.get(consumer, 'geom'), level + 1);
    }
  }

  private *dot(sbuf: Ptr): Sleepable<void> {
    const { objects } = this;
    yield* this.put(sbuf, 'digraph geom {\n');
    for (const type of objects.classes())
      for (const geom of objects.links.geoms(type)) yield* this.geomDot(sbuf, geom);
    yield* this.put(sbuf, '}\n');
  }

  private *geomDot(sbuf: Ptr, geom: Ptr): Sleepable<void> {
    const { objects } = this;
    const { provider, consumer } = objects;
    const node = (at: Ptr): string => `z${this.id(at)}`;
    const label = `${objects.className(geom)}\\n${objects.nameOf(geom)}\\nr#${objects.geom.get(geom, 'rank')}`;
    yield* this.put(sbuf, `${node(geom)} [shape=box,label="${label}"];\n`);
    for (const at of objects.links.consumers(geom)) {
      yield* this.put(sbuf, `${node(at)} [label="${this.mode('g_consumer', at)}"];\n`);
      const to = consumer.get(at, 'provider');
      if (to !== 0) yield* this.put(sbuf, `${node(at)} -> ${node(to)};\n`);
      yield* this.put(sbuf, `${node(geom)} -> ${node(at)};\n`);
    }
    for (const at of objects.links.providers(geom)) {
      const get = (member: string): number => provider.get(at, member);
      const first = `${provider.string(at, 'name')}\\n${this.mode('g_provider', at)}\\nerr#${get('error')}`;
      const second = `sector=${get('sectorsize')}\\nstripe=${get('stripesize')}`;
      yield* this.put(sbuf, `${node(at)} [shape=hexagon,label="${first}\\n${second}"];\n`);
      yield* this.put(sbuf, `${node(at)} -> ${node(geom)};\n`);
    }
  }
}

/** What a geom is asked to tell of. */
interface Dumped {
  readonly geom: Ptr;
  readonly consumer: Ptr;
  readonly provider: Ptr;
  /** Before <config>. */
  readonly margin: string;
}

/** Text as XML has it (g_conf_cat_escaped()). */
function escaped(text: string): string {
  return [...text]
    .map((char) => {
      const code = char.charCodeAt(0);
      if (SPECIAL.has(char) || code > TILDE) return `&#x${code.toString(16).toUpperCase()};`;
      return code < SPACE && !WHITE.has(char) ? '?' : char;
    })
    .join('');
}
