import { describe, expect, it } from 'vitest';
import { prototypeText } from '../../kernel/abi/signature.js';
import { linuxTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { newerTarget } from '../../testing/targets.js';
import { isErr } from '../errors.js';
import { ERROR_LIST } from './error-list.js';

const targets = [linuxTarget(loadBundled()), await newerTarget()].flatMap((target) => target ?? []);

/** Prototypes of a name in the kernels that have it, also under the name that profiling gave it. */
function prototypes(name: string): string[] {
  return targets.flatMap(({ types }) => {
    const text = prototypeText(types, name) || prototypeText(types, `${name}_noprof`);
    return text === undefined || text === '' ? [] : [text];
  });
}

describe.skipIf(targets.length < 2)('functions that can be made to fail', () => {
  it('are functions of a kernel', () => {
    expect([...ERROR_LIST.keys()].filter((name) => prototypes(name).length === 0)).toEqual([]);
  });

  it('give what their type allows', () => {
    const wrong = [...ERROR_LIST].flatMap(([name, { gives }]) =>
      prototypes(name).filter((text) => {
        const isPointer = /^[^(]*\*/.test(text);
        if (isPointer || typeof gives === 'bigint')
          return isPointer ? gives !== 0 && !isErr(gives as number) : !/^dma_addr_t/.test(text);
        return (
          !/^(unsigned )?(int|long)\b/.test(text) &&
          !(gives === 0 && /^unsigned long/.test(text)) &&
          !/^s(32|64)/.test(text)
        );
      }),
    );
    expect(wrong).toEqual([]);
  });
});
