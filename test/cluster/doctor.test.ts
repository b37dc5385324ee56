import { provokeAll } from '../support/doctor-cases/provoke-all.ts'

provokeAll('plain')
