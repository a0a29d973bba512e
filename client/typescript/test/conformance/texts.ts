// Answers of a client as the text that runners are held against each other by.

import type { SiameseError } from "siamese-client/web";

/** How many values an embedding has, and their hash. */
export async function embeddingText(values: Float32Array): Promise<string> {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => bytes.setFloat32(4 * index, value, true));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `${values.length} ${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** CODE/REASON/FIELD of a SiameseError, which the module of another entry may have made. */
export function wordOf(error: unknown): string {
  if (!(error instanceof Error) || error.name !== "SiameseError") return `not a SiameseError: ${String(error)}`;
  const { code, reason, field } = error as SiameseError;
  return `${code}/${reason}/${field}`;
}

/** As C's %.9g. */
export function numberOf(value: number): string {
  const [digits = "", exponent] = value.toPrecision(9).split("e");
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  const power = Math.floor(Math.log10(Math.abs(value)));
  if (exponent === undefined && (value === 0 || power >= -4)) return short;
  const [mantissa = "", ten = ""] = value.toExponential(8).split("e");
  return `${mantissa.replace(/\.?0+$/, "")}e${ten.replace(/^([+-])(\d)$/, "$10$2")}`;
}

export function verdictOf({ same }: { same: boolean }): string { return same ? "same" : "different"; }
