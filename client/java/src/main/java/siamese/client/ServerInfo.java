package siamese.client;

import java.util.List;

/**
 * What a client can know before it calls.
 *
 * @param model the one that was asked about; of "auto" the first that is tried
 * @param models those that are served, each by its default version; unmodifiable
 * @param defaultModel what answers calls that name no model: a {@link ModelInfo#servingName}, or
 *     "auto"
 * @param autoModels the models among which "auto" chooses; empty: there is no "auto"
 * @param limits what the server accepts
 * @param access who may call, and how much
 * @param build what the server was built from
 * @param galleries whether the server keeps galleries; where not, their calls fail with GALLERIES_OFF
 */
public record ServerInfo(
    ModelInfo model,
    List<ModelInfo> models,
    String defaultModel,
    List<String> autoModels,
    Limits limits,
    Access access,
    BuildInfo build,
    boolean galleries) {
  /**
   * Who may call, and how much. A caller is one token, else one certificate, else one IP address.
   *
   * @param tokenNeeded whether calls need a bearer token
   * @param callsPerSecond of one caller; 0: no bound
   * @param burst how many calls may come at once after a silence; 0 where callsPerSecond is
   * @param concurrentCalls of one caller, a stream being one; 0: no bound
   */
  public record Access(
      boolean tokenNeeded, double callsPerSecond, long burst, long concurrentCalls) {}

  /**
   * What the server was built from.
   *
   * @param version the server's
   * @param revision that of its source; empty where the build did not record it
   * @param goVersion the Go that built it
   * @param tensorflowVersion the library that it runs on
   */
  public record BuildInfo(
      String version, String revision, String goVersion, String tensorflowVersion) {}
}
