// What the lines of a result say beside each other.

/** Rates are better when they are higher, all else when it is lower. */
const isRate = (unit) => unit.endsWith("/s");

/** How many times as good as `other` the value of a result is. */
export function times({ value, unit }, other) {
  return isRate(unit) ? value / other : other / value;
}

/** Each target with what was measured; a measure or a peer that did not run is left out. */
export function judge(targets, results) {
  return targets.flatMap(eachOf(results)).flatMap((target) => {
    const result = results.find(({ name }) => name === target.name);
    if (result === undefined) return [];
    if (target.atMost !== undefined) {
      return [{ target, measured: result.value, met: result.value <= target.atMost, unit: result.unit }];
    }
    if (target.than !== undefined) {
      const measured = result.value / results.find(({ name }) => name === target.than)?.value;
      return Number.isNaN(measured) ? [] : [{ target, measured, met: measured <= target.atMostTimes }];
    }
    const other = target.against === "floor" ? result.floor : result.peers[target.against];
    if (other === undefined) return [];
    const measured = times(result, other);
    return [{ target, measured, met: measured >= target.times }];
  });
}

// A target for every line that has the peer.
function eachOf(results) {
  return (target) => {
    if (target.every !== true) return [target];
    return results.filter(({ peers }) => target.against in peers).map(({ name }) => ({ ...target, name }));
  };
}

/** One line for people. */
export function sentence({ target, measured, met, unit }) {
  const verdict = met ? "met   " : "MISSED";
  if (target.atMost !== undefined) {
    return `${verdict} ${target.name}: ${number(measured)} ${unit}, at most ${number(target.atMost)}`;
  }
  if (target.than !== undefined) {
    return `${verdict} ${target.name}: ${measured.toFixed(2)}x ${target.than}, at most ${target.atMostTimes}x`;
  }
  if (target.against === "floor") {
    const most = Number((1 / target.times).toFixed(2));
    return `${verdict} ${target.name}: ${(1 / measured).toFixed(2)}x the floor's time, at most ${most}x`;
  }
  return `${verdict} ${target.name}: ${measured.toFixed(2)}x ${target.against}, at least ${target.times}x`;
}

/** Three digits that count, thousands apart. */
export function number(value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
