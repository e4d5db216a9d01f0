// How far two answers about one picture lie apart.

import type { Answer } from "../lib/api";
import type { Said } from "./messages";

/** The largest difference of a probability, share or score. Undefined where they name other classes or count other boxes. */
export function difference(one: Answer | Said, other: Answer | Said): number | undefined {
  const [first, second] = [figures(one), figures(other)];
  if (first.length !== second.length) return undefined;
  const apart = first.map(({ label, value }) => {
    const at = second.findIndex((each) => each.label === label);
    const [same] = at < 0 ? [] : second.splice(at, 1);
    return same ? Math.abs(value - same.value) : NaN;
  });
  return apart.some(Number.isNaN) ? undefined : Math.max(0, ...apart);
}

function figures(answer: Answer | Said): { label: string; value: number }[] {
  switch (answer.task) {
    case "classification":
      return answer.top.map(({ label, probability }) => ({ label, value: probability }));
    case "segmentation":
      return answer.classes.map(({ label, share }) => ({ label, value: share }));
    case "detection":
      return answer.detections.map(({ label, score }) => ({ label, value: score }));
  }
}
