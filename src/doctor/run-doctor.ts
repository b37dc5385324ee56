import type { ConfigFile } from '../config/schema.ts'
import { diagnose, exitCodeOfFindings } from '../core/doctor/diagnose.ts'
import { reportOf, wordReport } from '../core/doctor/report.ts'
import { progressPrinter } from '../progress.ts'
import { doctorSettings, inspectDeployment } from './inspect.ts'

/** Looks at a deployment, its progress on stderr, and says what is wrong. */
export async function runDoctor(
  config: ConfigFile,
  isForMachines: boolean,
): Promise<{ said: string; exitCode: number }> {
  const progress = progressPrinter(process.stderr)
  const facts = await inspectDeployment(config, progress.show).finally(progress.end)
  const findings = diagnose(facts, doctorSettings(config))
  return {
    said: isForMachines ? `${toJson(reportOf(facts, findings))}\n` : wordReport(facts, findings),
    exitCode: exitCodeOfFindings(findings),
  }
}

/** The cluster's long numbers may be bigints. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item), 2)
}
