/** Who owes what for dirty logging, and how it is stood. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STALL_CAUSES, Stalls } from '../../src/hardware/stalls.ts';
import { Vcpus } from '../../src/hardware/vcpus.ts';
import { pagesIn } from '../../src/streams/page-writes.ts';

test('a charge is shared, stood by each vCPU as far as a span goes, and told once', () => {
  const stalls = new Stalls(['dirtyFaults', 'pmlExits', 'ringFull']);
  stalls.charge([0, 1], 'dirtyFaults', 1000);
  stalls.charge([0], 'ringFull', 300);
  expect([stalls.owedNs(0), stalls.owedNs(1), stalls.owedNs(2)]).toEqual([800, 500, 0]);
  expect([stalls.stand(0, 600), stalls.stand(0, 600), stalls.stand(1, 100), stalls.stand(2, 100)]).toEqual([
    600, 200, 100, 0,
  ]);
  expect(stalls.takeStood()).toEqual({ dirtyFaults: 600, pmlExits: 0, ringFull: 300 });
  expect(stalls.takeStood()).toEqual({ dirtyFaults: 0, pmlExits: 0, ringFull: 0 });
  expect(stalls.owedNs(1)).toBe(400);
});

test('one that charges nothing tells nothing, and what is not its cause throws', () => {
  const stalls = new Stalls();
  stalls.charge([0], 'dirtyFaults', 0);
  expect(stalls.takeStood()).toBeUndefined();
  expect(() => stalls.charge([0], 'dirtyFaults', 1)).toThrow(/dirtyFaults/);
});

test('law: what is stood and still owed is what was charged, fractions included', () => {
  const charge = fc.record({ vcpu: fc.nat(2), cause: fc.constantFrom(...STALL_CAUSES), ns: fc.nat(5000) });
  const stand = fc.record({ vcpu: fc.nat(2), spanNs: fc.nat(3000) });
  fc.assert(
    fc.property(fc.array(fc.oneof(charge, stand), { maxLength: 60 }), (steps) => {
      const stalls = new Stalls(STALL_CAUSES);
      let charged = 0;
      let stood = 0;
      for (const step of steps) {
        if ('ns' in step) {
          stalls.charge([step.vcpu, 3], step.cause, step.ns);
          charged += step.ns;
        } else stood += stalls.stand(step.vcpu, step.spanNs);
      }
      const owed = [0, 1, 2, 3].reduce((sum, vcpu) => sum + stalls.owedNs(vcpu), 0);
      expect(stood + owed).toBeCloseTo(charged, 3);
      const told = Object.values(stalls.takeStood()!).reduce((sum, ns) => sum + ns, 0);
      expect(stood - told).toBeGreaterThanOrEqual(-1e-3);
      expect(stood - told).toBeLessThan(3);
    }),
  );
});

// A vCPU whose every write costs c ns runs 1 / (1 + rate c) of the time: rate w becomes w / (1 + w c).
test.each([
  ['one vCPU', '0', 100_000, 10_000, 50_000],
  ['two share the work and the cost', '0-1', 100_000, 10_000, 100_000 / 1.5],
  ['mostly standing', '0', 100_000, 90_000, 10_000],
])('the rate falls by what its writes cost: %s', (_, vcpus, writesPerSecond, faultNs, expected) => {
  const stalls = new Stalls(['dirtyFaults']);
  const set = [{ firstPage: 0, pages: 1 << 20 }];
  const running = new Vcpus([{ vcpus, kind: 'cycle', set, rate: { writesPerSecond } }], 4096, 1, stalls);
  let pages = 0;
  running.advance(0, 2e9, (batch) => {
    const n = pagesIn(batch);
    pages += n;
    stalls.charge(vcpus === '0' ? [0] : [0, 1], 'dirtyFaults', n * faultNs);
  });
  expect(pages / 2 / expected).toBeGreaterThan(0.98);
  expect(pages / 2 / expected).toBeLessThan(1.02);
});
