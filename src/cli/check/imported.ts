/** Apart from the other commands' imports, since it boots kernels: loaded when somebody asks. */
export { importedFunctions } from '../../index.js';
