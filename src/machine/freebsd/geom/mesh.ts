import type { Sleepable } from '../../../kernel/effects.js';
import type { FreebsdMachine } from '../machine.js';

/** What kern.geom.confxml tells of a geom. */
export interface MeshGeom {
  readonly name: string;
  readonly config: ReadonlyMap<string, string>;
  readonly providers: readonly MeshProvider[];
  /** Names of the providers that its consumers are attached to. */
  readonly consumes: readonly string[];
  readonly rank: number;
}

export interface MeshProvider {
  readonly name: string;
  readonly mediasize: number;
  readonly sectorsize: number;
  readonly mode: string;
  readonly config: ReadonlyMap<string, string>;
}

/** Geoms of a class, as the kernel tells of them: undefined where it does not know the class. */
export function* meshOf(machine: FreebsdMachine, name: string): Sleepable<readonly MeshGeom[] | undefined> {
  const { sysctl } = machine.klds;
  const node = sysctl.find('kern.geom.confxml');
  if ('errno' in node) return undefined;
  const read = yield* sysctl.read(node.value.oid);
  if ('errno' in read) return undefined;
  return geomsOf(new TextDecoder().decode(read.value), name);
}

/** Geoms of a class in the text of kern.geom.confxml. */
export function geomsOf(xml: string, name: string): readonly MeshGeom[] | undefined {
  const names = new Map(
    blocks(xml, 'provider').map((block) => [/id="([^"]*)"/.exec(block)?.[1] ?? '', tag(block, 'name')]),
  );
  const own = blocks(xml, 'class').find((block) => tag(block, 'name') === name);
  return own === undefined ? undefined : blocks(own, 'geom').map((block) => geomOf(block, names));
}

function geomOf(block: string, names: ReadonlyMap<string, string>): MeshGeom {
  const head = block.replace(/<(consumer|provider) id[\s\S]*/, '');
  return {
    name: tag(block, 'name'),
    rank: Number(tag(block, 'rank')),
    config: configOf(head),
    providers: blocks(block, 'provider').map((one) => ({
      name: tag(one, 'name'),
      mediasize: Number(tag(one, 'mediasize')),
      sectorsize: Number(tag(one, 'sectorsize')),
      mode: tag(one, 'mode'),
      config: configOf(one),
    })),
    consumes: blocks(block, 'consumer').flatMap((one) => {
      const of = /<provider ref="([^"]*)"/.exec(one)?.[1];
      const found = of === undefined ? undefined : names.get(of);
      return found === undefined ? [] : [found];
    }),
  };
}

/** Elements with an id: they do not nest in their like. */
function blocks(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name} id="[\\s\\S]*?</${name}>`, 'g'))].map(([block]) => block);
}

function tag(block: string, name: string): string {
  return unescaped(new RegExp(`<${name}>([^<]*)</${name}>`).exec(block)?.[1] ?? '');
}

function configOf(block: string): ReadonlyMap<string, string> {
  const config = /<config>([\s\S]*?)<\/config>/.exec(block)?.[1] ?? '';
  return new Map(
    [...config.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, key, value]) => [key, unescaped(value)]),
  );
}

function unescaped(text: string): string {
  return text.replace(/&#x([0-9A-F]+);/g, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
