/** The Pareto front: what no other is as good as in every figure and better than in one. Less is better in each. */

/** For each row of figures whether it is on the front; rows that are equal are on it together. */
export function onFront(rows: readonly (readonly number[])[]): readonly boolean[] {
  const on: boolean[] = new Array(rows.length).fill(false);
  const order = rows.map((_, index) => index).sort((a, b) => compare(rows[a]!, rows[b]!));
  const front: (readonly number[])[] = [];
  // Whoever dominates a row comes before it in this order, and is on the front or dominated by one that is.
  for (const index of order) {
    const row = rows[index]!;
    if (front.some((better) => dominates(better, row))) continue;
    front.push(row);
    on[index] = true;
  }
  return on;
}

export function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((figure, index) => figure <= b[index]!) && a.some((figure, index) => figure < b[index]!);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((figure, at) => figure !== b[at]);
  return index < 0 ? 0 : a[index]! - b[index]!;
}
