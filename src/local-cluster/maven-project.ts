import { isBefore3 } from './versions.ts'

/** One folder of the server's home whose jars Maven finds: a Maven module of its own, since each resolves for itself. */
export interface Part {
  /** Folder below the home, with slashes. */
  readonly folder: string
  /** `group:artifact:version` or `group:artifact:version:type`. */
  readonly artifacts: readonly string[]
}

export interface ServerModule {
  readonly name: string
  readonly artifact: string
  readonly className: string
}

/** The server's modules that are on Maven Central, and the class of each that the server loads. */
export function serverModules(version: string): ServerModule[] {
  const ending = isBefore3(version) ? 'Plugin' : 'ModulePlugin'
  const modules = [
    ['transport-netty4', 'transport-netty4-client', 'org.opensearch.transport.Netty4'],
    ['reindex', 'reindex-client', 'org.opensearch.index.reindex.Reindex'],
    ['analysis-common', 'analysis-common', 'org.opensearch.analysis.common.CommonAnalysis'],
    ['mapper-extras', 'mapper-extras-client', 'org.opensearch.index.mapper.MapperExtras'],
    ['lang-mustache', 'lang-mustache-client', 'org.opensearch.script.mustache.Mustache'],
    ['parent-join', 'parent-join-client', 'org.opensearch.join.ParentJoin'],
  ] as const
  return modules.map(([name, artifact, className]) => ({ name, artifact, className: className + ending }))
}

/** What a server without security is made of, but for log4j-core: see log4jCore. */
export function serverParts(version: string): Part[] {
  // One class that has not changed for years; not every release of it was published.
  const classLoader = `org.opensearch:opensearch-plugin-classloader:${isBefore3(version) ? '2.19.1' : '3.4.0'}`
  const lib = [`org.opensearch:opensearch:${version}`, classLoader]
  const agent = { folder: 'agent', artifacts: [`org.opensearch:opensearch-agent:${version}`] }
  const modules = serverModules(version).map(({ name, artifact }) => ({
    folder: `modules/${name}`,
    artifacts: [`org.opensearch.plugin:${artifact}:${version}`],
  }))
  return [{ folder: 'lib', artifacts: lib }, ...(isBefore3(version) ? [] : [agent]), ...modules]
}

/** The security plugin: its zip, and a library that it takes from a plugin which is not published. */
export function securityPart(pluginVersion: string): Part {
  return {
    folder: 'plugin',
    artifacts: [
      `org.opensearch.plugin:opensearch-security:${pluginVersion}:zip`,
      'org.apache.commons:commons-collections4:4.4',
    ],
  }
}

/** The server only declares log4j's API; its core has to be of the same version, which differs between servers. */
export function log4jCore(libraryFiles: readonly string[]): Part | undefined {
  const api = libraryFiles.map((file) => /^log4j-api-(.+)\.jar$/.exec(file)).find((match) => match !== null)
  return api?.[1] === undefined
    ? undefined
    : { folder: 'log4j', artifacts: [`org.apache.logging.log4j:log4j-core:${api[1]}`] }
}

/** Where Maven leaves a part's jars, below the project. */
export const jarsFolder = (part: Part): string => `${part.folder}/jars`

/** Where Maven leaves what was in a part's zip, below the project. */
export const unzippedFolder = (part: Part): string => `${part.folder}/unzipped`

/** The files of a Maven project that fetches the parts: path below the project -> text. `mvn generate-resources` does it. */
export function mavenProject(parts: readonly Part[]): Map<string, string> {
  const files = new Map(parts.map((part) => [`${part.folder}/pom.xml`, partPom(part)]))
  return files.set('pom.xml', rootPom(parts))
}

const HEADER = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
const ROOT = '<groupId>local-cluster</groupId><artifactId>home</artifactId><version>1</version>'

function rootPom(parts: readonly Part[]): string {
  const modules = parts.map(({ folder }) => `<module>${folder}</module>`).join('')
  return `${HEADER}${ROOT}<packaging>pom</packaging>
<modules>${modules}</modules>
<build><plugins><plugin>
  <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version>
  <executions>
    <execution><id>jars</id><phase>generate-resources</phase><goals><goal>copy-dependencies</goal></goals>
      <configuration><includeScope>runtime</includeScope><includeTypes>jar</includeTypes>
        <outputDirectory>\${project.basedir}/jars</outputDirectory></configuration></execution>
    <execution><id>zips</id><phase>generate-resources</phase><goals><goal>unpack-dependencies</goal></goals>
      <configuration><includeScope>runtime</includeScope><includeTypes>zip</includeTypes>
        <outputDirectory>\${project.basedir}/unzipped</outputDirectory></configuration></execution>
  </executions>
</plugin></plugins></build>
</project>
`
}

function partPom({ folder, artifacts }: Part): string {
  const toRoot = folder.replace(/[^/]+/g, '..')
  return `${HEADER}<parent>${ROOT}<relativePath>${toRoot}/pom.xml</relativePath></parent>
<artifactId>${folder.replaceAll('/', '-')}</artifactId><packaging>pom</packaging>
<dependencies>
${artifacts.map(dependency).join('\n')}
</dependencies>
</project>
`
}

function dependency(artifact: string): string {
  const [group = '', name = '', version = '', type = 'jar'] = artifact.split(':')
  // A zip holds all that it needs; its pom would drag in a second copy.
  const alone = '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
  return (
    `  <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>` +
    `<type>${type}</type>${type === 'zip' || name === 'log4j-core' ? alone : ''}</dependency>`
  )
}
