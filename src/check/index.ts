export { CheckKernel, type KernelSettings } from './check-kernel.js';
export type { CheckedModule } from './checked-module.js';
export { Checker, type CheckerOptions } from './checker.js';
export type { ErrnoName, Reason, ReasonKind, SymbolElsewhere, TaintLetter, Verdict } from './reason.js';
export { htmlMatrix } from './report/html.js';
export { checkJson } from './report/json.js';
export { junitXml } from './report/junit.js';
export { summaryText, type TextStyle, verdictLine, verdictText } from './report/text.js';
export type { TypeChange } from './types/change.js';
