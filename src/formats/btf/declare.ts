import type { BtfRecords } from './records.js';
import * as K from './records.js';
import type { TypeRef } from './types.js';

/** Types visited for one declaration: more only in BTF made to be slow. */
const BUDGET = 2000;

/**
 * The C declaration of `name` (or of nothing) with a type: `struct device *dev`, `int (*)(void)`. Built from
 * the inside out: the name, then what each derivation puts before and after it (C11 6.7.6).
 */
export function declare(records: BtfRecords, ref: TypeRef, name = ''): string {
  return new Declarer(records).declare(ref, name);
}

class Declarer {
  private budget = BUDGET;

  constructor(private readonly records: BtfRecords) {}

  declare(ref: TypeRef, inner: string): string {
    const { records } = this;
    if (--this.budget < 0) return join('...', inner);
    const kind = records.kind(ref);
    const to = (): TypeRef => records.sizeOrType(ref);
    switch (kind) {
      case K.KIND_PTR:
        return this.declare(to(), this.bindsTighter(to()) ? `(*${inner})` : `*${inner}`);
      case K.KIND_ARRAY:
        return this.declare(records.word(ref, 3), `${inner}[${records.word(ref, 5) || ''}]`);
      case K.KIND_FUNC_PROTO:
        return this.declare(to(), `${inner}(${this.parameters(ref)})`);
      case K.KIND_FUNC:
      case K.KIND_VAR:
        return this.declare(to(), records.name(ref));
      case K.KIND_CONST:
        return this.qualified('const', to(), inner);
      case K.KIND_VOLATILE:
        return this.qualified('volatile', to(), inner);
      case K.KIND_RESTRICT:
        return this.qualified('restrict', to(), inner);
      case K.KIND_TYPE_TAG:
        return this.declare(to(), inner);
      case K.KIND_STRUCT:
        return join(`struct ${records.name(ref) || '(anonymous)'}`, inner);
      case K.KIND_UNION:
        return join(`union ${records.name(ref) || '(anonymous)'}`, inner);
      case K.KIND_ENUM:
      case K.KIND_ENUM64:
        return join(`enum ${records.name(ref) || '(anonymous)'}`, inner);
      case K.KIND_FWD:
        return join(`${records.kindFlag(ref) ? 'union' : 'struct'} ${records.name(ref)}`, inner);
      default:
        return join(records.name(ref), inner);
    }
  }

  /** A qualifier stands before a plain type, but after the star of a pointer. */
  private qualified(word: string, to: TypeRef, inner: string): string {
    if (this.pointerBelow(to)) return this.declare(to, inner === '' ? ` ${word}` : ` ${word} ${inner}`);
    return `${word} ${this.declare(to, inner)}`;
  }

  private pointerBelow(ref: TypeRef): boolean {
    let id = ref;
    for (let i = 0; i < 16; i++) {
      const kind = this.records.kind(id);
      if (kind === K.KIND_PTR) return true;
      if (
        kind !== K.KIND_CONST &&
        kind !== K.KIND_VOLATILE &&
        kind !== K.KIND_RESTRICT &&
        kind !== K.KIND_TYPE_TAG
      )
        return false;
      id = this.records.sizeOrType(id);
    }
    return false;
  }

  /** Whether [] or () would take hold of the name before the star does. */
  private bindsTighter(ref: TypeRef): boolean {
    const kind = this.records.kind(ref);
    return kind === K.KIND_ARRAY || kind === K.KIND_FUNC_PROTO;
  }

  private parameters(proto: TypeRef): string {
    const count = this.records.vlen(proto);
    if (count === 0) return 'void';
    const parts: string[] = [];
    for (let i = 0; i < count; i++) {
      const type = this.records.word(proto, 3 + i * 2 + 1);
      const last = i === count - 1;
      parts.push(last && type === 0 ? '...' : this.declare(type, ''));
    }
    return parts.join(', ');
  }
}

function join(base: string, inner: string): string {
  return inner === '' ? base : `${base} ${inner.trimStart()}`;
}
