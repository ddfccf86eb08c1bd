export { Btf } from './btf.js';
export {
  type BtfType,
  type Field,
  type Member,
  type Parameter,
  type Prototype,
  type TypeRef,
  UnknownTypeError,
} from './types.js';
