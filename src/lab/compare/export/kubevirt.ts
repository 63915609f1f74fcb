/**
 * KubeVirt: a MigrationPolicy, and of the KubeVirt object what a policy has no key for. Source of each key and its unit:
 * KubeVirt staging/src/kubevirt.io/api/migrations/v1alpha1/types.go (MigrationPolicySpec) and
 * staging/src/kubevirt.io/api/core/v1/types.go (MigrationConfiguration, StallDetectorOptions, DowntimeTuningOptions). The stall
 * detector, downtime tuning and maxDowntimeMs came with 1.9 behind the feature gates named here
 * (pkg/virt-config/featuregate/active.go).
 */
import { stringify } from 'yaml';
import type { Scenario } from '../../scenario/scenario.ts';
import {
  commented,
  type Exported,
  qemuMisfit,
  type Remarks,
  remarkManager,
  remarkQemu,
  slug,
  wholeSeconds,
} from './settings.ts';

type Keys = Readonly<Record<string, unknown>>;
/** What a manager's parameters become: keys of the policy, of the cluster's configuration, and the gate that they need. */
interface Written {
  readonly spec: Keys;
  readonly cluster?: Keys;
  readonly gate?: string;
  /** The parameters that have a key. */
  readonly known: readonly string[];
}

interface Legacy {
  readonly completionTimeoutPerGbMs: number;
  readonly progressTimeoutMs: number;
  readonly allowWorkloadDisruption: boolean;
}
interface Tuning {
  readonly initialDowntimeMs: number;
  readonly downtimeMaxMs: number;
  readonly stepsCount: number;
  readonly intervalMs: number;
  readonly fromPass: number;
}
interface Stall extends Omit<Legacy, 'progressTimeoutMs'> {
  readonly downtimeMaxMs: number;
  readonly stallWindowMs: number;
  readonly stallPercent: number;
  readonly patienceFactor: number;
  readonly bandwidthWeight: number;
  readonly overshootFactor: number;
  readonly switchoverTimeoutMs: number;
  readonly completionTimeoutFactor: number;
}

/** progressTimeout of the KubeVirt object unless it says otherwise, in s (MigrationConfiguration). */
const PROGRESS_TIMEOUT_S = 150;

const MANAGERS = ['kubevirt-legacy', 'kubevirt-downtime-tuning', 'kubevirt-stall'] as const;

export function kubevirtText(policy: string, scenario: Scenario): Exported {
  const problem = qemuMisfit(policy, scenario, 'KubeVirt', MANAGERS);
  if (problem !== undefined) return { problem };
  const { vmm, manager } = scenario;
  const remarks: Remarks = { lines: [] };
  const { spec, cluster, gate, known } = writtenOf(manager, remarks);
  const rate = vmm.maxBandwidthBytesPerSecond;
  if (spec.maxDowntimeMs === undefined)
    remarks.lines.push(
      `a downtime limit of ${vmm.downtimeLimitMs} ms: without a gate for maxDowntimeMs there is no key for it`,
    );
  // KubeVirt refuses the one without the other, because a broken link can then cost the VM.
  const allowPostCopy = vmm.postcopy !== undefined && spec.allowWorkloadDisruption === true;
  if (vmm.postcopy !== undefined && !allowPostCopy)
    remarks.lines.push('post-copy is on in the scenario: KubeVirt has it only together with allowWorkloadDisruption');
  remarkManager(scenario, known, remarks);
  remarkQemu(scenario, [], remarks);
  const name = slug(`${scenario.name} ${policy}`);
  const object = {
    apiVersion: 'migrations.kubevirt.io/v1alpha1',
    kind: 'MigrationPolicy',
    metadata: { name },
    spec: {
      selectors: { virtualMachineInstanceSelector: { 'migration-policy': name } },
      allowAutoConverge: vmm.autoConverge !== undefined,
      allowPostCopy,
      // A Quantity of bytes a second; 0 is no limit.
      bandwidthPerMigration: rate === 0 ? '0' : quantity(rate),
      ...spec,
    },
  };
  const head = [
    `# KubeVirt: ${policy}, for "${scenario.name}"; label the VMs that it is for migration-policy: ${name}`,
    ...commented(remarks),
  ];
  const wide = clusterText(cluster, gate);
  return { text: `${head.join('\n')}\n${stringify(object, { lineWidth: 0 })}${wide}` };
}

/** The one object of the cluster, with nothing in it but what is to be merged. */
function clusterText(migrations: Keys | undefined, gate: string | undefined): string {
  if (migrations === undefined && gate === undefined) return '';
  const object = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'KubeVirt',
    metadata: { name: 'kubevirt', namespace: 'kubevirt' },
    spec: {
      configuration: {
        ...(gate === undefined ? {} : { developerConfiguration: { featureGates: [gate] } }),
        ...(migrations === undefined ? {} : { migrations }),
      },
    },
  };
  return `---\n# Merge this into what the cluster has, it is for all of its VMs; other feature gates stay.\n${stringify(object, { lineWidth: 0 })}`;
}

function writtenOf(
  { policy, parameters }: { readonly policy: string; readonly parameters?: unknown },
  remarks: Remarks,
): Written {
  switch (policy) {
    case 'kubevirt-legacy':
      return legacy(parameters as Legacy, remarks);
    case 'kubevirt-downtime-tuning':
      return tuning(parameters as Tuning, remarks);
    default:
      return stall(parameters as Stall, remarks);
  }
}

function legacy(
  { completionTimeoutPerGbMs, progressTimeoutMs, allowWorkloadDisruption }: Legacy,
  remarks: Remarks,
): Written {
  const progressTimeout = wholeSeconds(progressTimeoutMs, 'progressTimeout', remarks);
  return {
    spec: {
      completionTimeoutPerGiB: wholeSeconds(completionTimeoutPerGbMs, 'completionTimeoutPerGiB', remarks),
      allowWorkloadDisruption,
    },
    ...(progressTimeout === PROGRESS_TIMEOUT_S ? {} : { cluster: { progressTimeout } }),
    known: ['completionTimeoutPerGbMs', 'progressTimeoutMs', 'allowWorkloadDisruption'],
  };
}

function tuning(
  { initialDowntimeMs, downtimeMaxMs, stepsCount, intervalMs, fromPass }: Tuning,
  remarks: Remarks,
): Written {
  remarks.lines.push(
    'its time limits (completionTimeoutPerGiB, progressTimeout) hold as well: kubevirt-legacy is their rule',
  );
  return {
    spec: {
      maxDowntimeMs: downtimeMaxMs,
      experimental: {
        downtimeTuning: {
          initialMs: initialDowntimeMs,
          steps: stepsCount,
          startAfterIteration: fromPass,
          cooldownSeconds: wholeSeconds(intervalMs, 'cooldownSeconds', remarks),
        },
      },
    },
    gate: 'MigrationDowntimeTuning',
    known: ['initialDowntimeMs', 'downtimeMaxMs', 'stepsCount', 'intervalMs', 'fromPass'],
  };
}

function stall(parameters: Stall, remarks: Remarks): Written {
  const { completionTimeoutPerGbMs, allowWorkloadDisruption, downtimeMaxMs } = parameters;
  return {
    spec: {
      completionTimeoutPerGiB: wholeSeconds(completionTimeoutPerGbMs, 'completionTimeoutPerGiB', remarks),
      maxDowntimeMs: downtimeMaxMs,
      allowWorkloadDisruption,
      experimental: {
        stallDetector: {
          stallMargin: parameters.stallPercent,
          ewmaAlpha: String(parameters.bandwidthWeight),
          stallProgressTimeout: wholeSeconds(parameters.stallWindowMs, 'stallProgressTimeout', remarks),
          switchoverTimeout: wholeSeconds(parameters.switchoverTimeoutMs, 'switchoverTimeout', remarks),
          precopyPossibleFactor: String(parameters.overshootFactor),
          patienceWindowDecayFactor: String(parameters.patienceFactor),
          completionTimeoutFactor: String(parameters.completionTimeoutFactor),
        },
      },
    },
    gate: 'MigrationStallDetection',
    known: [
      'completionTimeoutPerGbMs',
      'allowWorkloadDisruption',
      'downtimeMaxMs',
      'stallPercent',
      'bandwidthWeight',
      'stallWindowMs',
      'switchoverTimeoutMs',
      'overshootFactor',
      'patienceFactor',
      'completionTimeoutFactor',
    ],
  };
}

/** In MiB where it is whole ones, as people write it. */
function quantity(bytesPerSecond: number): string {
  return bytesPerSecond % 2 ** 20 === 0 ? `${bytesPerSecond / 2 ** 20}Mi` : String(Math.round(bytesPerSecond));
}
