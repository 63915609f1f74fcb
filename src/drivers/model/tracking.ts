/**
 * The commands about dirty logs: KVM's, each container's tracker, the vmm's own, and the sync that merges them.
 *
 * What a collect finds is what was written until it began; writes during its own time belong to the next epoch. A log is on
 * when its start is answered and off when its stop begins. Each answer follows its named cost.
 */
import type { CommandName, Commands, Errno, GuestStalledNs } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import type { DirtyReport } from '../../hardware/dirty-report.ts';
import { HostLog } from '../../hardware/host-log.ts';
import type { MigrationBitmap } from '../../hardware/migration-bitmap.ts';
import type { PageBitmap } from '../../hardware/page-bitmap.ts';
import type { World } from '../../hardware/world.ts';
import type { Agenda } from './agenda.ts';
import type { Job } from './jobs.ts';
import type { FilledSpec } from './spec.ts';

/** How many pages that no log reported are named, of all that are counted. */
const PAGES_NAMED_MAX = 16;

/** What a container's IOMMU is called among those that track for it; the others are its devices. */
const IOMMU = 'iommu';

export class Tracking {
  readonly hostLog: HostLog;
  readonly #spec: FilledSpec;
  readonly #world: World;
  readonly #bitmap: MigrationBitmap;
  readonly #agenda: Agenda;
  /** What is lost goes here. */
  #nobody: PageBitmap | undefined;
  /** When the collect of the sync under way began. */
  #collectingSinceNs: number | undefined;

  constructor(spec: FilledSpec, world: World, bitmap: MigrationBitmap, agenda: Agenda) {
    this.#spec = spec;
    this.#world = world;
    this.#bitmap = bitmap;
    this.#agenda = agenda;
    this.hostLog = new HostLog(world.memory.pages);
  }

  startTracking({ by, params }: Command<'startTracking'>, job: Job<'startTracking'>): void {
    const workNs = params.tracker === 'iommu' ? this.#world.iommuStartNs(containerOf(by)) : 0;
    this.#after(this.#spec.logs.startTrackingNs + workNs, () => this.#started(this.#start(by, params), params, job));
  }

  /** A device whose limits joined the ranges says how much more it watches. */
  #started(
    errno: Errno | undefined,
    { tracker, of, ranges }: Command<'startTracking'>['params'],
    job: Job<'startTracking'>,
  ): void {
    const extraPages = tracker === 'device' ? this.#world.dmaLog(of).extraPagesOver(ranges) : 0;
    job.end(errno, extraPages === 0 ? {} : { extraPages });
  }

  /** `lost`: what it takes from the logs reaches nobody. */
  reportDirty({ by, params }: Command<'reportDirty'>, job: Job<'reportDirty'>, lost = false): void {
    const found = this.#collect(containerOf(by), params, lost);
    const workNs = 'errno' in found ? 0 : found.workNs;
    this.#after(this.#spec.logs.reportDirtyNs + Math.ceil(workNs), () => {
      if ('errno' in found) job.fail(found.errno);
      else job.done({ dirtyPages: found.dirtyPages });
    });
  }

  stopTracking({ by, params }: Command<'stopTracking'>, job: Job<'stopTracking'>): void {
    for (const id of params.of) if (id !== IOMMU) this.#world.stopDmaLog(id);
    const errno = params.of.includes(IOMMU) ? this.#world.setIommuTracking(containerOf(by), false) : undefined;
    this.#after(this.#spec.logs.stopTrackingNs, () => job.end(errno, {}));
  }

  startDirtyLog(_: Command<'startDirtyLog'>, job: Job<'startDirtyLog'>): void {
    this.#after(this.#spec.logs.startDirtyLogNs, () => {
      if (!this.#world.kvmLog.active) this.#bitmap.begin();
      const workNs = this.#world.kvmLog.start();
      this.hostLog.start();
      if (workNs === 0) job.done({});
      else this.#after(Math.ceil(workNs), () => job.done({}));
    });
  }

  /** `lost`: what it takes from the log reaches nobody. */
  getDirtyLog(_: Command<'getDirtyLog'>, job: Job<'getDirtyLog'>, lost = false): void {
    this.#collectingSinceNs = this.#agenda.nowNs;
    const found = this.#world.kvmLog.get(this.#into(lost));
    // Bits that are set because logging began say nothing about the guest, and no estimate may count them.
    const written = 'errno' in found ? 0 : found.dirtyPages - (found.byDefinitionPages ?? 0);
    if (!('errno' in found || lost)) this.#bitmap.note('vcpu', written);
    const workNs = 'errno' in found ? 0 : (found.workNs ?? 0);
    this.#after(this.#spec.logs.getDirtyLogNs + workNs, () => {
      if ('errno' in found) job.fail(found.errno);
      else job.done({ dirtyPages: found.dirtyPages });
    });
  }

  stopDirtyLog(_: Command<'stopDirtyLog'>, job: Job<'stopDirtyLog'>): void {
    this.#world.kvmLog.stop();
    this.hostLog.stop();
    this.#after(this.#spec.logs.stopDirtyLogNs, () => job.done({}));
  }

  /** EINVAL while no log is on: nothing that could be merged would be complete. */
  syncBitmap({ params }: Command<'syncBitmap'>, job: Job<'syncBitmap'>): void {
    const { nowNs } = this.#agenda;
    const sinceNs = this.#collectingSinceNs ?? nowNs;
    this.#collectingSinceNs = undefined;
    if (!this.#world.kvmLog.active) {
      job.fail('EINVAL');
      return;
    }
    const hostPages = this.hostLog.takeInto(this.#bitmap.collected);
    if (hostPages > 0) this.#bitmap.note('host', hostPages);
    const merged = this.#bitmap.merge(params.everything);
    this.#world.synced();
    const { syncNs, syncPageNs } = this.#spec.logs;
    const costNs = Math.ceil(syncNs + syncPageNs * this.#world.memory.ramPages);
    const stalledNs = this.#stalledNs();
    const throughput = this.#world.deviceThroughput();
    const result = {
      dirtySet: this.#bitmap.dirtySet,
      remainingPages: this.#bitmap.unsent.count,
      remainingBytes: this.#bitmap.remainingBytes,
      ...merged,
      syncNs: nowNs - sinceNs + costNs,
      ...(stalledNs === undefined ? {} : { guestStalledNs: stalledNs }),
      ...(throughput === undefined ? {} : { deviceThroughputPercent: throughput }),
      ...(params.final ? this.#unreported() : {}),
    };
    this.#after(costNs, () => job.done(result));
  }

  /** What the vCPUs have stood, logging and throttles alike. */
  #stalledNs(): GuestStalledNs | undefined {
    const stoodNs = this.#world.stalls.takeStood();
    const { vcpus } = this.#spec;
    const cpuThrottle = this.#world.vcpus.takeThrottledNs() * (vcpus.count ?? this.#world.vcpus.busy.length);
    return cpuThrottle === 0 ? stoodNs : { ...stoodNs, cpuThrottle };
  }

  /** What every log missed: at the final sync nothing writes any more, so what differs must be waiting to be sent. */
  #unreported(): Pick<Commands['syncBitmap']['result'], 'underReportedPages' | 'firstUnderReportedPages'> {
    const { count, firstPages } = this.#world.truth.unreportedPages(this.#bitmap.unsent, PAGES_NAMED_MAX);
    return count === 0 ? {} : { underReportedPages: count, firstUnderReportedPages: firstPages };
  }

  #start(by: string, { tracker, of, ranges }: Command<'startTracking'>['params']): Errno | undefined {
    if (tracker === 'perpetual') return undefined;
    return of === IOMMU ? this.#world.setIommuTracking(containerOf(by), true) : this.#world.startDmaLog(of, ranges);
  }

  /** One tracker's report, merged by the next sync. */
  #collect(
    container: string,
    { tracker, of }: Command<'reportDirty'>['params'],
    lost: boolean,
  ): Collected | { readonly errno: Errno } {
    const collected = this.#into(lost);
    if (tracker === 'perpetual')
      return this.#noted(`perpetual:${container}`, this.#world.reportPerpetual(container, collected), lost);
    let [dirtyPages, workNs] = [0, 0];
    for (const id of of) {
      const found =
        id === IOMMU
          ? this.#noted(`iommu:${container}`, this.#world.reportIommu(container, collected), lost)
          : this.#noted(`dma:${id}`, this.#world.reportDmaLog(id, collected), lost);
      if ('errno' in found) return found;
      dirtyPages += found.dirtyPages;
      workNs += found.workNs;
    }
    return { dirtyPages, workNs };
  }

  /** Where a collect puts what it finds. */
  #into(lost: boolean): PageBitmap {
    if (!lost) return this.#bitmap.collected;
    // One for all: what a set takes of the world's memory is not given back before the world ends.
    this.#nobody ??= this.#world.memory.emptySet();
    this.#nobody.clearAll();
    return this.#nobody;
  }

  #noted(source: string, found: DirtyReport, lost: boolean): Collected | { readonly errno: Errno } {
    if ('errno' in found) return { errno: found.errno };
    if (!lost) this.#bitmap.note(source, found.dirtyPages);
    return { dirtyPages: found.dirtyPages, workNs: found.workNs ?? 0 };
  }

  /** What changes the world at the end of a cost happens at that time of the world, too. */
  #after(ns: number, finish: () => void): void {
    this.#agenda.after(ns, () => {
      this.#world.advanceTo(this.#agenda.nowNs);
      finish();
    });
  }
}

/** What a report found, and the ns that finding it took of whoever asked. */
interface Collected {
  readonly dirtyPages: number;
  readonly workNs: number;
}

/** The container whose chart asks: `tracking/<container>`. */
function containerOf(by: Command<CommandName>['by']): string {
  const [kind, ...rest] = by.split('/');
  if (kind !== 'tracking' || rest.length === 0) throw new RangeError(`${by} is no container's tracking chart`);
  return rest.join('/');
}
