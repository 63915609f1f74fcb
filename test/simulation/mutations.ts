/** Every mutant that a check must find. */
import { CHART_MUTANTS } from './mutants/of-charts.ts';
import { LOG_MUTANTS } from './mutants/of-logs.ts';
import { RECOVERY_MUTANTS } from './mutants/of-recovery.ts';
import { RULE_MUTANTS } from './mutants/of-rules.ts';

export const MUTANTS = [...CHART_MUTANTS, ...LOG_MUTANTS, ...RECOVERY_MUTANTS, ...RULE_MUTANTS];
