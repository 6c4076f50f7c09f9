# Generated from driver/codegen/errcodes.txt by tests/generated; do not edit.
"""One exception class per SQLSTATE. Public as :mod:`data_bridge.postgres.errors`."""

from __future__ import annotations

from . import _errors

__all__ = [
    "ActiveSQLTransactionError",
    "AdminShutdownError",
    "AmbiguousAliasError",
    "AmbiguousColumnError",
    "AmbiguousFunctionError",
    "AmbiguousParameterError",
    "ArraySubscriptError",
    "AssertError",
    "BadCopyFileFormatError",
    "BranchTransactionAlreadyActiveError",
    "CannotCoerceError",
    "CannotConnectNowError",
    "CantChangeRuntimeParamError",
    "CardinalityViolationError",
    "CaseNotFoundError",
    "CharacterNotInRepertoireError",
    "CheckViolationError",
    "ClientCannotConnectError",
    "CollationMismatchError",
    "ConfigFileError",
    "ConfigurationLimitExceededError",
    "ConnectionDoesNotExistError",
    "ConnectionFailureError",
    "ConnectionRejectionError",
    "ContainingSQLNotPermittedError",
    "CrashShutdownError",
    "DataCorruptedError",
    "DatabaseDroppedError",
    "DatatypeMismatchError",
    "DatetimeFieldOverflowError",
    "DeadlockDetectedError",
    "DependentObjectsStillExistError",
    "DependentPrivilegeDescriptorsStillExistError",
    "DeprecatedFeature",
    "DiagnosticsError",
    "DiskFullError",
    "DivisionByZeroError",
    "DuplicateAliasError",
    "DuplicateColumnError",
    "DuplicateCursorError",
    "DuplicateDatabaseError",
    "DuplicateFileError",
    "DuplicateFunctionError",
    "DuplicateJsonObjectKeyValueError",
    "DuplicateObjectError",
    "DuplicatePreparedStatementError",
    "DuplicateSchemaError",
    "DuplicateTableError",
    "DynamicResultSetsReturned",
    "ErrorInAssignmentError",
    "EscapeCharacterConflictError",
    "EventTriggerProtocolViolatedError",
    "ExclusionViolationError",
    "ExternalRoutineError",
    "ExternalRoutineInvocationError",
    "FDWColumnNameNotFoundError",
    "FDWDynamicParameterValueNeededError",
    "FDWError",
    "FDWFunctionSequenceError",
    "FDWInconsistentDescriptorInformationError",
    "FDWInvalidAttributeValueError",
    "FDWInvalidColumnNameError",
    "FDWInvalidColumnNumberError",
    "FDWInvalidDataTypeDescriptorsError",
    "FDWInvalidDataTypeError",
    "FDWInvalidDescriptorFieldIdentifierError",
    "FDWInvalidHandleError",
    "FDWInvalidOptionIndexError",
    "FDWInvalidOptionNameError",
    "FDWInvalidStringFormatError",
    "FDWInvalidStringLengthOrBufferLengthError",
    "FDWInvalidUseOfNullPointerError",
    "FDWNoSchemasError",
    "FDWOptionNameNotFoundError",
    "FDWOutOfMemoryError",
    "FDWReplyHandleError",
    "FDWSchemaNotFoundError",
    "FDWTableNotFoundError",
    "FDWTooManyHandlesError",
    "FDWUnableToCreateExecutionError",
    "FDWUnableToCreateReplyError",
    "FDWUnableToEstablishConnectionError",
    "FeatureNotSupportedError",
    "FileNameTooLongError",
    "ForeignKeyViolationError",
    "FunctionExecutedNoReturnStatementError",
    "GeneratedAlwaysError",
    "GroupingError",
    "HeldCursorRequiresSameIsolationLevelError",
    "IdleInTransactionSessionTimeoutError",
    "IdleSessionTimeoutError",
    "ImplicitZeroBitPadding",
    "InFailedSQLTransactionError",
    "InappropriateAccessModeForBranchTransactionError",
    "InappropriateIsolationLevelForBranchTransactionError",
    "IndeterminateCollationError",
    "IndeterminateDatatypeError",
    "IndexCorruptedError",
    "IndicatorOverflowError",
    "InsufficientPrivilegeError",
    "InsufficientResourcesError",
    "IntegrityConstraintViolationError",
    "InternalServerError",
    "IntervalFieldOverflowError",
    "InvalidArgumentForLogarithmError",
    "InvalidArgumentForNthValueFunctionError",
    "InvalidArgumentForNtileFunctionError",
    "InvalidArgumentForPowerFunctionError",
    "InvalidArgumentForSQLJsonDatetimeFunctionError",
    "InvalidArgumentForWidthBucketFunctionError",
    "InvalidArgumentForXqueryError",
    "InvalidAuthorizationSpecificationError",
    "InvalidBinaryRepresentationError",
    "InvalidCatalogNameError",
    "InvalidCharacterValueForCastError",
    "InvalidColumnDefinitionError",
    "InvalidColumnReferenceError",
    "InvalidCursorDefinitionError",
    "InvalidCursorNameError",
    "InvalidCursorStateError",
    "InvalidDatabaseDefinitionError",
    "InvalidDatetimeFormatError",
    "InvalidEscapeCharacterError",
    "InvalidEscapeOctetError",
    "InvalidEscapeSequenceError",
    "InvalidForeignKeyError",
    "InvalidFunctionDefinitionError",
    "InvalidGrantOperationError",
    "InvalidGrantorError",
    "InvalidIndicatorParameterValueError",
    "InvalidJsonTextError",
    "InvalidLocatorSpecificationError",
    "InvalidNameError",
    "InvalidObjectDefinitionError",
    "InvalidParameterValueError",
    "InvalidPasswordError",
    "InvalidPrecedingOrFollowingSizeError",
    "InvalidPreparedStatementDefinitionError",
    "InvalidRecursionError",
    "InvalidRegularExpressionError",
    "InvalidRoleSpecificationError",
    "InvalidRowCountInLimitClauseError",
    "InvalidRowCountInResultOffsetClauseError",
    "InvalidSQLJsonSubscriptError",
    "InvalidSQLStatementNameError",
    "InvalidSavepointSpecificationError",
    "InvalidSchemaDefinitionError",
    "InvalidSchemaNameError",
    "InvalidSqlstateReturnedError",
    "InvalidTableDefinitionError",
    "InvalidTablesampleArgumentError",
    "InvalidTablesampleRepeatError",
    "InvalidTextRepresentationError",
    "InvalidTimeZoneDisplacementValueError",
    "InvalidTransactionInitiationError",
    "InvalidTransactionStateError",
    "InvalidTransactionTerminationError",
    "InvalidUseOfEscapeCharacterError",
    "InvalidXmlCommentError",
    "InvalidXmlContentError",
    "InvalidXmlDocumentError",
    "InvalidXmlProcessingInstructionError",
    "LocatorError",
    "LockFileExistsError",
    "LockNotAvailableError",
    "ModifyingExternalRoutineSQLDataNotPermittedError",
    "ModifyingSQLDataNotPermittedError",
    "MoreThanOneSQLJsonItemError",
    "MostSpecificTypeMismatchError",
    "NameTooLongError",
    "NoActiveSQLTransactionError",
    "NoActiveSQLTransactionForBranchTransactionError",
    "NoAdditionalDynamicResultSetsReturned",
    "NoData",
    "NoDataFoundError",
    "NoSQLJsonItemError",
    "NonNumericSQLJsonItemError",
    "NonUniqueKeysInAJsonObjectError",
    "NonstandardUseOfEscapeCharacterError",
    "NotAnXmlDocumentError",
    "NotNullViolationError",
    "NullValueEliminatedInSetFunction",
    "NullValueInExternalRoutineNotAllowedError",
    "NullValueNoIndicatorParameterError",
    "NullValueNotAllowedError",
    "NumericValueOutOfRangeError",
    "ObjectInUseError",
    "ObjectNotInPrerequisiteStateError",
    "OperatorInterventionError",
    "OutOfMemoryError",
    "PLPGSQLError",
    "PostgresConnectionError",
    "PostgresFloatingPointError",
    "PostgresIOError",
    "PostgresSyntaxError",
    "PostgresSystemError",
    "PostgresWarning",
    "PrivilegeNotGranted",
    "PrivilegeNotRevoked",
    "ProgramLimitExceededError",
    "ProhibitedExternalRoutineSQLStatementAttemptedError",
    "ProhibitedSQLStatementAttemptedError",
    "ProtocolViolationError",
    "QueryCanceledError",
    "RaiseError",
    "ReadOnlySQLTransactionError",
    "ReadingExternalRoutineSQLDataNotPermittedError",
    "ReadingSQLDataNotPermittedError",
    "ReservedNameError",
    "RestrictViolationError",
    "SQLJsonArrayNotFoundError",
    "SQLJsonItemCannotBeCastToTargetTypeError",
    "SQLJsonMemberNotFoundError",
    "SQLJsonNumberNotFoundError",
    "SQLJsonObjectNotFoundError",
    "SQLJsonScalarRequiredError",
    "SQLRoutineError",
    "SQLStatementNotYetCompleteError",
    "SavepointError",
    "SchemaAndDataStatementMixingNotSupportedError",
    "SequenceGeneratorLimitExceededError",
    "SerializationError",
    "SingletonSQLJsonItemRequiredError",
    "SnapshotTooOldError",
    "SrfProtocolViolatedError",
    "StackedDiagnosticsAccessedWithoutActiveHandlerError",
    "StatementCompletionUnknownError",
    "StatementTooComplexError",
    "StringDataLengthMismatchError",
    "StringDataRightTruncation",
    "StringDataRightTruncationError",
    "SubstringError",
    "SyntaxOrAccessError",
    "TooManyArgumentsError",
    "TooManyColumnsError",
    "TooManyConnectionsError",
    "TooManyJsonArrayElementsError",
    "TooManyJsonObjectMembersError",
    "TooManyRowsError",
    "TransactionIntegrityConstraintViolationError",
    "TransactionResolutionUnknownError",
    "TransactionRollbackError",
    "TransactionTimeoutError",
    "TriggerProtocolViolatedError",
    "TriggeredActionError",
    "TriggeredDataChangeViolationError",
    "TrimError",
    "UndefinedColumnError",
    "UndefinedFileError",
    "UndefinedFunctionError",
    "UndefinedObjectError",
    "UndefinedParameterError",
    "UndefinedTableError",
    "UniqueViolationError",
    "UnsafeNewEnumValueUsageError",
    "UnterminatedCStringError",
    "UntranslatableCharacterError",
    "WindowingError",
    "WithCheckOptionViolationError",
    "WrongObjectTypeError",
    "ZeroLengthCharacterStringError",
]


class PostgresWarning(_errors.Warning):
    """warning."""

    sqlstate = "01000"


class NullValueEliminatedInSetFunction(PostgresWarning):
    """null_value_eliminated_in_set_function."""

    sqlstate = "01003"


class StringDataRightTruncation(PostgresWarning):
    """string_data_right_truncation."""

    sqlstate = "01004"


class PrivilegeNotRevoked(PostgresWarning):
    """privilege_not_revoked."""

    sqlstate = "01006"


class PrivilegeNotGranted(PostgresWarning):
    """privilege_not_granted."""

    sqlstate = "01007"


class ImplicitZeroBitPadding(PostgresWarning):
    """implicit_zero_bit_padding."""

    sqlstate = "01008"


class DynamicResultSetsReturned(PostgresWarning):
    """dynamic_result_sets_returned."""

    sqlstate = "0100C"


class DeprecatedFeature(PostgresWarning):
    """deprecated_feature."""

    sqlstate = "01P01"


class NoData(_errors.Warning):
    """no_data."""

    sqlstate = "02000"


class NoAdditionalDynamicResultSetsReturned(NoData):
    """no_additional_dynamic_result_sets_returned."""

    sqlstate = "02001"


class SQLStatementNotYetCompleteError(_errors.DatabaseError):
    """sql_statement_not_yet_complete."""

    sqlstate = "03000"


class PostgresConnectionError(_errors.OperationalError):
    """connection_exception."""

    sqlstate = "08000"


class ClientCannotConnectError(PostgresConnectionError):
    """sqlclient_unable_to_establish_sqlconnection."""

    sqlstate = "08001"


class ConnectionDoesNotExistError(PostgresConnectionError):
    """connection_does_not_exist."""

    sqlstate = "08003"


class ConnectionRejectionError(PostgresConnectionError):
    """sqlserver_rejected_establishment_of_sqlconnection."""

    sqlstate = "08004"


class ConnectionFailureError(PostgresConnectionError):
    """connection_failure."""

    sqlstate = "08006"


class TransactionResolutionUnknownError(PostgresConnectionError):
    """transaction_resolution_unknown."""

    sqlstate = "08007"


class ProtocolViolationError(PostgresConnectionError):
    """protocol_violation."""

    sqlstate = "08P01"


class TriggeredActionError(_errors.DatabaseError):
    """triggered_action_exception."""

    sqlstate = "09000"


class FeatureNotSupportedError(_errors.NotSupportedError):
    """feature_not_supported."""

    sqlstate = "0A000"


class InvalidTransactionInitiationError(_errors.DatabaseError):
    """invalid_transaction_initiation."""

    sqlstate = "0B000"


class LocatorError(_errors.DatabaseError):
    """locator_exception."""

    sqlstate = "0F000"


class InvalidLocatorSpecificationError(LocatorError):
    """invalid_locator_specification."""

    sqlstate = "0F001"


class InvalidGrantorError(_errors.DatabaseError):
    """invalid_grantor."""

    sqlstate = "0L000"


class InvalidGrantOperationError(InvalidGrantorError):
    """invalid_grant_operation."""

    sqlstate = "0LP01"


class InvalidRoleSpecificationError(_errors.DatabaseError):
    """invalid_role_specification."""

    sqlstate = "0P000"


class DiagnosticsError(_errors.DatabaseError):
    """diagnostics_exception."""

    sqlstate = "0Z000"


class StackedDiagnosticsAccessedWithoutActiveHandlerError(DiagnosticsError):
    """stacked_diagnostics_accessed_without_active_handler."""

    sqlstate = "0Z002"


class InvalidArgumentForXqueryError(_errors.ProgrammingError):
    """invalid_argument_for_xquery."""

    sqlstate = "10608"


class CaseNotFoundError(_errors.ProgrammingError):
    """case_not_found."""

    sqlstate = "20000"


class CardinalityViolationError(_errors.ProgrammingError):
    """cardinality_violation."""

    sqlstate = "21000"


class StringDataRightTruncationError(_errors.DataError):
    """string_data_right_truncation."""

    sqlstate = "22001"


class NullValueNoIndicatorParameterError(_errors.DataError):
    """null_value_no_indicator_parameter."""

    sqlstate = "22002"


class NumericValueOutOfRangeError(_errors.DataError):
    """numeric_value_out_of_range."""

    sqlstate = "22003"


class NullValueNotAllowedError(_errors.DataError):
    """null_value_not_allowed."""

    sqlstate = "22004"


class ErrorInAssignmentError(_errors.DataError):
    """error_in_assignment."""

    sqlstate = "22005"


class InvalidDatetimeFormatError(_errors.DataError):
    """invalid_datetime_format."""

    sqlstate = "22007"


class DatetimeFieldOverflowError(_errors.DataError):
    """datetime_field_overflow."""

    sqlstate = "22008"


class InvalidTimeZoneDisplacementValueError(_errors.DataError):
    """invalid_time_zone_displacement_value."""

    sqlstate = "22009"


class EscapeCharacterConflictError(_errors.DataError):
    """escape_character_conflict."""

    sqlstate = "2200B"


class InvalidUseOfEscapeCharacterError(_errors.DataError):
    """invalid_use_of_escape_character."""

    sqlstate = "2200C"


class InvalidEscapeOctetError(_errors.DataError):
    """invalid_escape_octet."""

    sqlstate = "2200D"


class ZeroLengthCharacterStringError(_errors.DataError):
    """zero_length_character_string."""

    sqlstate = "2200F"


class MostSpecificTypeMismatchError(_errors.DataError):
    """most_specific_type_mismatch."""

    sqlstate = "2200G"


class SequenceGeneratorLimitExceededError(_errors.DataError):
    """sequence_generator_limit_exceeded."""

    sqlstate = "2200H"


class NotAnXmlDocumentError(_errors.DataError):
    """not_an_xml_document."""

    sqlstate = "2200L"


class InvalidXmlDocumentError(_errors.DataError):
    """invalid_xml_document."""

    sqlstate = "2200M"


class InvalidXmlContentError(_errors.DataError):
    """invalid_xml_content."""

    sqlstate = "2200N"


class InvalidXmlCommentError(_errors.DataError):
    """invalid_xml_comment."""

    sqlstate = "2200S"


class InvalidXmlProcessingInstructionError(_errors.DataError):
    """invalid_xml_processing_instruction."""

    sqlstate = "2200T"


class InvalidIndicatorParameterValueError(_errors.DataError):
    """invalid_indicator_parameter_value."""

    sqlstate = "22010"


class SubstringError(_errors.DataError):
    """substring_error."""

    sqlstate = "22011"


class DivisionByZeroError(_errors.DataError):
    """division_by_zero."""

    sqlstate = "22012"


class InvalidPrecedingOrFollowingSizeError(_errors.DataError):
    """invalid_preceding_or_following_size."""

    sqlstate = "22013"


class InvalidArgumentForNtileFunctionError(_errors.DataError):
    """invalid_argument_for_ntile_function."""

    sqlstate = "22014"


class IntervalFieldOverflowError(_errors.DataError):
    """interval_field_overflow."""

    sqlstate = "22015"


class InvalidArgumentForNthValueFunctionError(_errors.DataError):
    """invalid_argument_for_nth_value_function."""

    sqlstate = "22016"


class InvalidCharacterValueForCastError(_errors.DataError):
    """invalid_character_value_for_cast."""

    sqlstate = "22018"


class InvalidEscapeCharacterError(_errors.DataError):
    """invalid_escape_character."""

    sqlstate = "22019"


class InvalidRegularExpressionError(_errors.DataError):
    """invalid_regular_expression."""

    sqlstate = "2201B"


class InvalidArgumentForLogarithmError(_errors.DataError):
    """invalid_argument_for_logarithm."""

    sqlstate = "2201E"


class InvalidArgumentForPowerFunctionError(_errors.DataError):
    """invalid_argument_for_power_function."""

    sqlstate = "2201F"


class InvalidArgumentForWidthBucketFunctionError(_errors.DataError):
    """invalid_argument_for_width_bucket_function."""

    sqlstate = "2201G"


class InvalidRowCountInLimitClauseError(_errors.DataError):
    """invalid_row_count_in_limit_clause."""

    sqlstate = "2201W"


class InvalidRowCountInResultOffsetClauseError(_errors.DataError):
    """invalid_row_count_in_result_offset_clause."""

    sqlstate = "2201X"


class CharacterNotInRepertoireError(_errors.DataError):
    """character_not_in_repertoire."""

    sqlstate = "22021"


class IndicatorOverflowError(_errors.DataError):
    """indicator_overflow."""

    sqlstate = "22022"


class InvalidParameterValueError(_errors.DataError):
    """invalid_parameter_value."""

    sqlstate = "22023"


class UnterminatedCStringError(_errors.DataError):
    """unterminated_c_string."""

    sqlstate = "22024"


class InvalidEscapeSequenceError(_errors.DataError):
    """invalid_escape_sequence."""

    sqlstate = "22025"


class StringDataLengthMismatchError(_errors.DataError):
    """string_data_length_mismatch."""

    sqlstate = "22026"


class TrimError(_errors.DataError):
    """trim_error."""

    sqlstate = "22027"


class ArraySubscriptError(_errors.DataError):
    """array_subscript_error."""

    sqlstate = "2202E"


class InvalidTablesampleRepeatError(_errors.DataError):
    """invalid_tablesample_repeat."""

    sqlstate = "2202G"


class InvalidTablesampleArgumentError(_errors.DataError):
    """invalid_tablesample_argument."""

    sqlstate = "2202H"


class DuplicateJsonObjectKeyValueError(_errors.DataError):
    """duplicate_json_object_key_value."""

    sqlstate = "22030"


class InvalidArgumentForSQLJsonDatetimeFunctionError(_errors.DataError):
    """invalid_argument_for_sql_json_datetime_function."""

    sqlstate = "22031"


class InvalidJsonTextError(_errors.DataError):
    """invalid_json_text."""

    sqlstate = "22032"


class InvalidSQLJsonSubscriptError(_errors.DataError):
    """invalid_sql_json_subscript."""

    sqlstate = "22033"


class MoreThanOneSQLJsonItemError(_errors.DataError):
    """more_than_one_sql_json_item."""

    sqlstate = "22034"


class NoSQLJsonItemError(_errors.DataError):
    """no_sql_json_item."""

    sqlstate = "22035"


class NonNumericSQLJsonItemError(_errors.DataError):
    """non_numeric_sql_json_item."""

    sqlstate = "22036"


class NonUniqueKeysInAJsonObjectError(_errors.DataError):
    """non_unique_keys_in_a_json_object."""

    sqlstate = "22037"


class SingletonSQLJsonItemRequiredError(_errors.DataError):
    """singleton_sql_json_item_required."""

    sqlstate = "22038"


class SQLJsonArrayNotFoundError(_errors.DataError):
    """sql_json_array_not_found."""

    sqlstate = "22039"


class SQLJsonMemberNotFoundError(_errors.DataError):
    """sql_json_member_not_found."""

    sqlstate = "2203A"


class SQLJsonNumberNotFoundError(_errors.DataError):
    """sql_json_number_not_found."""

    sqlstate = "2203B"


class SQLJsonObjectNotFoundError(_errors.DataError):
    """sql_json_object_not_found."""

    sqlstate = "2203C"


class TooManyJsonArrayElementsError(_errors.DataError):
    """too_many_json_array_elements."""

    sqlstate = "2203D"


class TooManyJsonObjectMembersError(_errors.DataError):
    """too_many_json_object_members."""

    sqlstate = "2203E"


class SQLJsonScalarRequiredError(_errors.DataError):
    """sql_json_scalar_required."""

    sqlstate = "2203F"


class SQLJsonItemCannotBeCastToTargetTypeError(_errors.DataError):
    """sql_json_item_cannot_be_cast_to_target_type."""

    sqlstate = "2203G"


class PostgresFloatingPointError(_errors.DataError):
    """floating_point_exception."""

    sqlstate = "22P01"


class InvalidTextRepresentationError(_errors.DataError):
    """invalid_text_representation."""

    sqlstate = "22P02"


class InvalidBinaryRepresentationError(_errors.DataError):
    """invalid_binary_representation."""

    sqlstate = "22P03"


class BadCopyFileFormatError(_errors.DataError):
    """bad_copy_file_format."""

    sqlstate = "22P04"


class UntranslatableCharacterError(_errors.DataError):
    """untranslatable_character."""

    sqlstate = "22P05"


class NonstandardUseOfEscapeCharacterError(_errors.DataError):
    """nonstandard_use_of_escape_character."""

    sqlstate = "22P06"


class IntegrityConstraintViolationError(_errors.IntegrityError):
    """integrity_constraint_violation."""

    sqlstate = "23000"


class RestrictViolationError(IntegrityConstraintViolationError):
    """restrict_violation."""

    sqlstate = "23001"


class NotNullViolationError(IntegrityConstraintViolationError):
    """not_null_violation."""

    sqlstate = "23502"


class ForeignKeyViolationError(IntegrityConstraintViolationError):
    """foreign_key_violation."""

    sqlstate = "23503"


class UniqueViolationError(IntegrityConstraintViolationError):
    """unique_violation."""

    sqlstate = "23505"


class CheckViolationError(IntegrityConstraintViolationError):
    """check_violation."""

    sqlstate = "23514"


class ExclusionViolationError(IntegrityConstraintViolationError):
    """exclusion_violation."""

    sqlstate = "23P01"


class InvalidCursorStateError(_errors.InternalError):
    """invalid_cursor_state."""

    sqlstate = "24000"


class InvalidTransactionStateError(_errors.InternalError):
    """invalid_transaction_state."""

    sqlstate = "25000"


class ActiveSQLTransactionError(InvalidTransactionStateError):
    """active_sql_transaction."""

    sqlstate = "25001"


class BranchTransactionAlreadyActiveError(InvalidTransactionStateError):
    """branch_transaction_already_active."""

    sqlstate = "25002"


class InappropriateAccessModeForBranchTransactionError(InvalidTransactionStateError):
    """inappropriate_access_mode_for_branch_transaction."""

    sqlstate = "25003"


class InappropriateIsolationLevelForBranchTransactionError(InvalidTransactionStateError):
    """inappropriate_isolation_level_for_branch_transaction."""

    sqlstate = "25004"


class NoActiveSQLTransactionForBranchTransactionError(InvalidTransactionStateError):
    """no_active_sql_transaction_for_branch_transaction."""

    sqlstate = "25005"


class ReadOnlySQLTransactionError(_errors.OperationalError):
    """read_only_sql_transaction."""

    sqlstate = "25006"


class SchemaAndDataStatementMixingNotSupportedError(InvalidTransactionStateError):
    """schema_and_data_statement_mixing_not_supported."""

    sqlstate = "25007"


class HeldCursorRequiresSameIsolationLevelError(InvalidTransactionStateError):
    """held_cursor_requires_same_isolation_level."""

    sqlstate = "25008"


class NoActiveSQLTransactionError(InvalidTransactionStateError):
    """no_active_sql_transaction."""

    sqlstate = "25P01"


class InFailedSQLTransactionError(InvalidTransactionStateError):
    """in_failed_sql_transaction."""

    sqlstate = "25P02"


class IdleInTransactionSessionTimeoutError(_errors.OperationalError):
    """idle_in_transaction_session_timeout."""

    sqlstate = "25P03"


class TransactionTimeoutError(_errors.OperationalError):
    """transaction_timeout."""

    sqlstate = "25P04"


class InvalidSQLStatementNameError(_errors.ProgrammingError):
    """invalid_sql_statement_name."""

    sqlstate = "26000"


class TriggeredDataChangeViolationError(_errors.OperationalError):
    """triggered_data_change_violation."""

    sqlstate = "27000"


class InvalidAuthorizationSpecificationError(_errors.OperationalError):
    """invalid_authorization_specification."""

    sqlstate = "28000"


class InvalidPasswordError(InvalidAuthorizationSpecificationError):
    """invalid_password."""

    sqlstate = "28P01"


class DependentPrivilegeDescriptorsStillExistError(_errors.InternalError):
    """dependent_privilege_descriptors_still_exist."""

    sqlstate = "2B000"


class DependentObjectsStillExistError(DependentPrivilegeDescriptorsStillExistError):
    """dependent_objects_still_exist."""

    sqlstate = "2BP01"


class InvalidTransactionTerminationError(_errors.InternalError):
    """invalid_transaction_termination."""

    sqlstate = "2D000"


class SQLRoutineError(_errors.OperationalError):
    """sql_routine_exception."""

    sqlstate = "2F000"


class ModifyingSQLDataNotPermittedError(SQLRoutineError):
    """modifying_sql_data_not_permitted."""

    sqlstate = "2F002"


class ProhibitedSQLStatementAttemptedError(SQLRoutineError):
    """prohibited_sql_statement_attempted."""

    sqlstate = "2F003"


class ReadingSQLDataNotPermittedError(SQLRoutineError):
    """reading_sql_data_not_permitted."""

    sqlstate = "2F004"


class FunctionExecutedNoReturnStatementError(SQLRoutineError):
    """function_executed_no_return_statement."""

    sqlstate = "2F005"


class InvalidCursorNameError(_errors.ProgrammingError):
    """invalid_cursor_name."""

    sqlstate = "34000"


class ExternalRoutineError(_errors.OperationalError):
    """external_routine_exception."""

    sqlstate = "38000"


class ContainingSQLNotPermittedError(ExternalRoutineError):
    """containing_sql_not_permitted."""

    sqlstate = "38001"


class ModifyingExternalRoutineSQLDataNotPermittedError(ExternalRoutineError):
    """modifying_sql_data_not_permitted."""

    sqlstate = "38002"


class ProhibitedExternalRoutineSQLStatementAttemptedError(ExternalRoutineError):
    """prohibited_sql_statement_attempted."""

    sqlstate = "38003"


class ReadingExternalRoutineSQLDataNotPermittedError(ExternalRoutineError):
    """reading_sql_data_not_permitted."""

    sqlstate = "38004"


class ExternalRoutineInvocationError(_errors.OperationalError):
    """external_routine_invocation_exception."""

    sqlstate = "39000"


class InvalidSqlstateReturnedError(ExternalRoutineInvocationError):
    """invalid_sqlstate_returned."""

    sqlstate = "39001"


class NullValueInExternalRoutineNotAllowedError(ExternalRoutineInvocationError):
    """null_value_not_allowed."""

    sqlstate = "39004"


class TriggerProtocolViolatedError(ExternalRoutineInvocationError):
    """trigger_protocol_violated."""

    sqlstate = "39P01"


class SrfProtocolViolatedError(ExternalRoutineInvocationError):
    """srf_protocol_violated."""

    sqlstate = "39P02"


class EventTriggerProtocolViolatedError(ExternalRoutineInvocationError):
    """event_trigger_protocol_violated."""

    sqlstate = "39P03"


class SavepointError(_errors.OperationalError):
    """savepoint_exception."""

    sqlstate = "3B000"


class InvalidSavepointSpecificationError(SavepointError):
    """invalid_savepoint_specification."""

    sqlstate = "3B001"


class InvalidCatalogNameError(_errors.ProgrammingError):
    """invalid_catalog_name."""

    sqlstate = "3D000"


class InvalidSchemaNameError(_errors.ProgrammingError):
    """invalid_schema_name."""

    sqlstate = "3F000"


class TransactionRollbackError(_errors.OperationalError):
    """transaction_rollback."""

    sqlstate = "40000"


class SerializationError(TransactionRollbackError):
    """serialization_failure."""

    sqlstate = "40001"


class TransactionIntegrityConstraintViolationError(TransactionRollbackError):
    """transaction_integrity_constraint_violation."""

    sqlstate = "40002"


class StatementCompletionUnknownError(TransactionRollbackError):
    """statement_completion_unknown."""

    sqlstate = "40003"


class DeadlockDetectedError(TransactionRollbackError):
    """deadlock_detected."""

    sqlstate = "40P01"


class SyntaxOrAccessError(_errors.ProgrammingError):
    """syntax_error_or_access_rule_violation."""

    sqlstate = "42000"


class InsufficientPrivilegeError(SyntaxOrAccessError):
    """insufficient_privilege."""

    sqlstate = "42501"


class PostgresSyntaxError(SyntaxOrAccessError):
    """syntax_error."""

    sqlstate = "42601"


class InvalidNameError(SyntaxOrAccessError):
    """invalid_name."""

    sqlstate = "42602"


class InvalidColumnDefinitionError(SyntaxOrAccessError):
    """invalid_column_definition."""

    sqlstate = "42611"


class NameTooLongError(SyntaxOrAccessError):
    """name_too_long."""

    sqlstate = "42622"


class DuplicateColumnError(SyntaxOrAccessError):
    """duplicate_column."""

    sqlstate = "42701"


class AmbiguousColumnError(SyntaxOrAccessError):
    """ambiguous_column."""

    sqlstate = "42702"


class UndefinedColumnError(SyntaxOrAccessError):
    """undefined_column."""

    sqlstate = "42703"


class UndefinedObjectError(SyntaxOrAccessError):
    """undefined_object."""

    sqlstate = "42704"


class DuplicateObjectError(SyntaxOrAccessError):
    """duplicate_object."""

    sqlstate = "42710"


class DuplicateAliasError(SyntaxOrAccessError):
    """duplicate_alias."""

    sqlstate = "42712"


class DuplicateFunctionError(SyntaxOrAccessError):
    """duplicate_function."""

    sqlstate = "42723"


class AmbiguousFunctionError(SyntaxOrAccessError):
    """ambiguous_function."""

    sqlstate = "42725"


class GroupingError(SyntaxOrAccessError):
    """grouping_error."""

    sqlstate = "42803"


class DatatypeMismatchError(SyntaxOrAccessError):
    """datatype_mismatch."""

    sqlstate = "42804"


class WrongObjectTypeError(SyntaxOrAccessError):
    """wrong_object_type."""

    sqlstate = "42809"


class InvalidForeignKeyError(SyntaxOrAccessError):
    """invalid_foreign_key."""

    sqlstate = "42830"


class CannotCoerceError(SyntaxOrAccessError):
    """cannot_coerce."""

    sqlstate = "42846"


class UndefinedFunctionError(SyntaxOrAccessError):
    """undefined_function."""

    sqlstate = "42883"


class GeneratedAlwaysError(SyntaxOrAccessError):
    """generated_always."""

    sqlstate = "428C9"


class ReservedNameError(SyntaxOrAccessError):
    """reserved_name."""

    sqlstate = "42939"


class UndefinedTableError(SyntaxOrAccessError):
    """undefined_table."""

    sqlstate = "42P01"


class UndefinedParameterError(SyntaxOrAccessError):
    """undefined_parameter."""

    sqlstate = "42P02"


class DuplicateCursorError(SyntaxOrAccessError):
    """duplicate_cursor."""

    sqlstate = "42P03"


class DuplicateDatabaseError(SyntaxOrAccessError):
    """duplicate_database."""

    sqlstate = "42P04"


class DuplicatePreparedStatementError(SyntaxOrAccessError):
    """duplicate_prepared_statement."""

    sqlstate = "42P05"


class DuplicateSchemaError(SyntaxOrAccessError):
    """duplicate_schema."""

    sqlstate = "42P06"


class DuplicateTableError(SyntaxOrAccessError):
    """duplicate_table."""

    sqlstate = "42P07"


class AmbiguousParameterError(SyntaxOrAccessError):
    """ambiguous_parameter."""

    sqlstate = "42P08"


class AmbiguousAliasError(SyntaxOrAccessError):
    """ambiguous_alias."""

    sqlstate = "42P09"


class InvalidColumnReferenceError(SyntaxOrAccessError):
    """invalid_column_reference."""

    sqlstate = "42P10"


class InvalidCursorDefinitionError(SyntaxOrAccessError):
    """invalid_cursor_definition."""

    sqlstate = "42P11"


class InvalidDatabaseDefinitionError(SyntaxOrAccessError):
    """invalid_database_definition."""

    sqlstate = "42P12"


class InvalidFunctionDefinitionError(SyntaxOrAccessError):
    """invalid_function_definition."""

    sqlstate = "42P13"


class InvalidPreparedStatementDefinitionError(SyntaxOrAccessError):
    """invalid_prepared_statement_definition."""

    sqlstate = "42P14"


class InvalidSchemaDefinitionError(SyntaxOrAccessError):
    """invalid_schema_definition."""

    sqlstate = "42P15"


class InvalidTableDefinitionError(SyntaxOrAccessError):
    """invalid_table_definition."""

    sqlstate = "42P16"


class InvalidObjectDefinitionError(SyntaxOrAccessError):
    """invalid_object_definition."""

    sqlstate = "42P17"


class IndeterminateDatatypeError(SyntaxOrAccessError):
    """indeterminate_datatype."""

    sqlstate = "42P18"


class InvalidRecursionError(SyntaxOrAccessError):
    """invalid_recursion."""

    sqlstate = "42P19"


class WindowingError(SyntaxOrAccessError):
    """windowing_error."""

    sqlstate = "42P20"


class CollationMismatchError(SyntaxOrAccessError):
    """collation_mismatch."""

    sqlstate = "42P21"


class IndeterminateCollationError(SyntaxOrAccessError):
    """indeterminate_collation."""

    sqlstate = "42P22"


class WithCheckOptionViolationError(_errors.ProgrammingError):
    """with_check_option_violation."""

    sqlstate = "44000"


class InsufficientResourcesError(_errors.OperationalError):
    """insufficient_resources."""

    sqlstate = "53000"


class DiskFullError(InsufficientResourcesError):
    """disk_full."""

    sqlstate = "53100"


class OutOfMemoryError(InsufficientResourcesError):
    """out_of_memory."""

    sqlstate = "53200"


class TooManyConnectionsError(InsufficientResourcesError):
    """too_many_connections."""

    sqlstate = "53300"


class ConfigurationLimitExceededError(InsufficientResourcesError):
    """configuration_limit_exceeded."""

    sqlstate = "53400"


class ProgramLimitExceededError(_errors.OperationalError):
    """program_limit_exceeded."""

    sqlstate = "54000"


class StatementTooComplexError(ProgramLimitExceededError):
    """statement_too_complex."""

    sqlstate = "54001"


class TooManyColumnsError(ProgramLimitExceededError):
    """too_many_columns."""

    sqlstate = "54011"


class TooManyArgumentsError(ProgramLimitExceededError):
    """too_many_arguments."""

    sqlstate = "54023"


class ObjectNotInPrerequisiteStateError(_errors.OperationalError):
    """object_not_in_prerequisite_state."""

    sqlstate = "55000"


class ObjectInUseError(ObjectNotInPrerequisiteStateError):
    """object_in_use."""

    sqlstate = "55006"


class CantChangeRuntimeParamError(ObjectNotInPrerequisiteStateError):
    """cant_change_runtime_param."""

    sqlstate = "55P02"


class LockNotAvailableError(ObjectNotInPrerequisiteStateError):
    """lock_not_available."""

    sqlstate = "55P03"


class UnsafeNewEnumValueUsageError(ObjectNotInPrerequisiteStateError):
    """unsafe_new_enum_value_usage."""

    sqlstate = "55P04"


class OperatorInterventionError(_errors.OperationalError):
    """operator_intervention."""

    sqlstate = "57000"


class QueryCanceledError(OperatorInterventionError):
    """query_canceled."""

    sqlstate = "57014"


class AdminShutdownError(OperatorInterventionError):
    """admin_shutdown."""

    sqlstate = "57P01"


class CrashShutdownError(OperatorInterventionError):
    """crash_shutdown."""

    sqlstate = "57P02"


class CannotConnectNowError(OperatorInterventionError):
    """cannot_connect_now."""

    sqlstate = "57P03"


class DatabaseDroppedError(OperatorInterventionError):
    """database_dropped."""

    sqlstate = "57P04"


class IdleSessionTimeoutError(OperatorInterventionError):
    """idle_session_timeout."""

    sqlstate = "57P05"


class PostgresSystemError(_errors.OperationalError):
    """system_error."""

    sqlstate = "58000"


class PostgresIOError(PostgresSystemError):
    """io_error."""

    sqlstate = "58030"


class UndefinedFileError(PostgresSystemError):
    """undefined_file."""

    sqlstate = "58P01"


class DuplicateFileError(PostgresSystemError):
    """duplicate_file."""

    sqlstate = "58P02"


class FileNameTooLongError(PostgresSystemError):
    """file_name_too_long."""

    sqlstate = "58P03"


class SnapshotTooOldError(_errors.DatabaseError):
    """snapshot_too_old."""

    sqlstate = "72000"


class ConfigFileError(_errors.OperationalError):
    """config_file_error."""

    sqlstate = "F0000"


class LockFileExistsError(ConfigFileError):
    """lock_file_exists."""

    sqlstate = "F0001"


class FDWError(_errors.OperationalError):
    """fdw_error."""

    sqlstate = "HV000"


class FDWOutOfMemoryError(FDWError):
    """fdw_out_of_memory."""

    sqlstate = "HV001"


class FDWDynamicParameterValueNeededError(FDWError):
    """fdw_dynamic_parameter_value_needed."""

    sqlstate = "HV002"


class FDWInvalidDataTypeError(FDWError):
    """fdw_invalid_data_type."""

    sqlstate = "HV004"


class FDWColumnNameNotFoundError(FDWError):
    """fdw_column_name_not_found."""

    sqlstate = "HV005"


class FDWInvalidDataTypeDescriptorsError(FDWError):
    """fdw_invalid_data_type_descriptors."""

    sqlstate = "HV006"


class FDWInvalidColumnNameError(FDWError):
    """fdw_invalid_column_name."""

    sqlstate = "HV007"


class FDWInvalidColumnNumberError(FDWError):
    """fdw_invalid_column_number."""

    sqlstate = "HV008"


class FDWInvalidUseOfNullPointerError(FDWError):
    """fdw_invalid_use_of_null_pointer."""

    sqlstate = "HV009"


class FDWInvalidStringFormatError(FDWError):
    """fdw_invalid_string_format."""

    sqlstate = "HV00A"


class FDWInvalidHandleError(FDWError):
    """fdw_invalid_handle."""

    sqlstate = "HV00B"


class FDWInvalidOptionIndexError(FDWError):
    """fdw_invalid_option_index."""

    sqlstate = "HV00C"


class FDWInvalidOptionNameError(FDWError):
    """fdw_invalid_option_name."""

    sqlstate = "HV00D"


class FDWOptionNameNotFoundError(FDWError):
    """fdw_option_name_not_found."""

    sqlstate = "HV00J"


class FDWReplyHandleError(FDWError):
    """fdw_reply_handle."""

    sqlstate = "HV00K"


class FDWUnableToCreateExecutionError(FDWError):
    """fdw_unable_to_create_execution."""

    sqlstate = "HV00L"


class FDWUnableToCreateReplyError(FDWError):
    """fdw_unable_to_create_reply."""

    sqlstate = "HV00M"


class FDWUnableToEstablishConnectionError(FDWError):
    """fdw_unable_to_establish_connection."""

    sqlstate = "HV00N"


class FDWNoSchemasError(FDWError):
    """fdw_no_schemas."""

    sqlstate = "HV00P"


class FDWSchemaNotFoundError(FDWError):
    """fdw_schema_not_found."""

    sqlstate = "HV00Q"


class FDWTableNotFoundError(FDWError):
    """fdw_table_not_found."""

    sqlstate = "HV00R"


class FDWFunctionSequenceError(FDWError):
    """fdw_function_sequence_error."""

    sqlstate = "HV010"


class FDWTooManyHandlesError(FDWError):
    """fdw_too_many_handles."""

    sqlstate = "HV014"


class FDWInconsistentDescriptorInformationError(FDWError):
    """fdw_inconsistent_descriptor_information."""

    sqlstate = "HV021"


class FDWInvalidAttributeValueError(FDWError):
    """fdw_invalid_attribute_value."""

    sqlstate = "HV024"


class FDWInvalidStringLengthOrBufferLengthError(FDWError):
    """fdw_invalid_string_length_or_buffer_length."""

    sqlstate = "HV090"


class FDWInvalidDescriptorFieldIdentifierError(FDWError):
    """fdw_invalid_descriptor_field_identifier."""

    sqlstate = "HV091"


class PLPGSQLError(_errors.ProgrammingError):
    """plpgsql_error."""

    sqlstate = "P0000"


class RaiseError(PLPGSQLError):
    """raise_exception."""

    sqlstate = "P0001"


class NoDataFoundError(PLPGSQLError):
    """no_data_found."""

    sqlstate = "P0002"


class TooManyRowsError(PLPGSQLError):
    """too_many_rows."""

    sqlstate = "P0003"


class AssertError(PLPGSQLError):
    """assert_failure."""

    sqlstate = "P0004"


class InternalServerError(_errors.InternalError):
    """internal_error."""

    sqlstate = "XX000"


class DataCorruptedError(InternalServerError):
    """data_corrupted."""

    sqlstate = "XX001"


class IndexCorruptedError(InternalServerError):
    """index_corrupted."""

    sqlstate = "XX002"


BY_SQLSTATE: dict[str, type[_errors.Error | _errors.Warning]] = {
    "01000": PostgresWarning,
    "01003": NullValueEliminatedInSetFunction,
    "01004": StringDataRightTruncation,
    "01006": PrivilegeNotRevoked,
    "01007": PrivilegeNotGranted,
    "01008": ImplicitZeroBitPadding,
    "0100C": DynamicResultSetsReturned,
    "01P01": DeprecatedFeature,
    "02000": NoData,
    "02001": NoAdditionalDynamicResultSetsReturned,
    "03000": SQLStatementNotYetCompleteError,
    "08000": PostgresConnectionError,
    "08001": ClientCannotConnectError,
    "08003": ConnectionDoesNotExistError,
    "08004": ConnectionRejectionError,
    "08006": ConnectionFailureError,
    "08007": TransactionResolutionUnknownError,
    "08P01": ProtocolViolationError,
    "09000": TriggeredActionError,
    "0A000": FeatureNotSupportedError,
    "0B000": InvalidTransactionInitiationError,
    "0F000": LocatorError,
    "0F001": InvalidLocatorSpecificationError,
    "0L000": InvalidGrantorError,
    "0LP01": InvalidGrantOperationError,
    "0P000": InvalidRoleSpecificationError,
    "0Z000": DiagnosticsError,
    "0Z002": StackedDiagnosticsAccessedWithoutActiveHandlerError,
    "10608": InvalidArgumentForXqueryError,
    "20000": CaseNotFoundError,
    "21000": CardinalityViolationError,
    "22000": _errors.DataError,
    "22001": StringDataRightTruncationError,
    "22002": NullValueNoIndicatorParameterError,
    "22003": NumericValueOutOfRangeError,
    "22004": NullValueNotAllowedError,
    "22005": ErrorInAssignmentError,
    "22007": InvalidDatetimeFormatError,
    "22008": DatetimeFieldOverflowError,
    "22009": InvalidTimeZoneDisplacementValueError,
    "2200B": EscapeCharacterConflictError,
    "2200C": InvalidUseOfEscapeCharacterError,
    "2200D": InvalidEscapeOctetError,
    "2200F": ZeroLengthCharacterStringError,
    "2200G": MostSpecificTypeMismatchError,
    "2200H": SequenceGeneratorLimitExceededError,
    "2200L": NotAnXmlDocumentError,
    "2200M": InvalidXmlDocumentError,
    "2200N": InvalidXmlContentError,
    "2200S": InvalidXmlCommentError,
    "2200T": InvalidXmlProcessingInstructionError,
    "22010": InvalidIndicatorParameterValueError,
    "22011": SubstringError,
    "22012": DivisionByZeroError,
    "22013": InvalidPrecedingOrFollowingSizeError,
    "22014": InvalidArgumentForNtileFunctionError,
    "22015": IntervalFieldOverflowError,
    "22016": InvalidArgumentForNthValueFunctionError,
    "22018": InvalidCharacterValueForCastError,
    "22019": InvalidEscapeCharacterError,
    "2201B": InvalidRegularExpressionError,
    "2201E": InvalidArgumentForLogarithmError,
    "2201F": InvalidArgumentForPowerFunctionError,
    "2201G": InvalidArgumentForWidthBucketFunctionError,
    "2201W": InvalidRowCountInLimitClauseError,
    "2201X": InvalidRowCountInResultOffsetClauseError,
    "22021": CharacterNotInRepertoireError,
    "22022": IndicatorOverflowError,
    "22023": InvalidParameterValueError,
    "22024": UnterminatedCStringError,
    "22025": InvalidEscapeSequenceError,
    "22026": StringDataLengthMismatchError,
    "22027": TrimError,
    "2202E": ArraySubscriptError,
    "2202G": InvalidTablesampleRepeatError,
    "2202H": InvalidTablesampleArgumentError,
    "22030": DuplicateJsonObjectKeyValueError,
    "22031": InvalidArgumentForSQLJsonDatetimeFunctionError,
    "22032": InvalidJsonTextError,
    "22033": InvalidSQLJsonSubscriptError,
    "22034": MoreThanOneSQLJsonItemError,
    "22035": NoSQLJsonItemError,
    "22036": NonNumericSQLJsonItemError,
    "22037": NonUniqueKeysInAJsonObjectError,
    "22038": SingletonSQLJsonItemRequiredError,
    "22039": SQLJsonArrayNotFoundError,
    "2203A": SQLJsonMemberNotFoundError,
    "2203B": SQLJsonNumberNotFoundError,
    "2203C": SQLJsonObjectNotFoundError,
    "2203D": TooManyJsonArrayElementsError,
    "2203E": TooManyJsonObjectMembersError,
    "2203F": SQLJsonScalarRequiredError,
    "2203G": SQLJsonItemCannotBeCastToTargetTypeError,
    "22P01": PostgresFloatingPointError,
    "22P02": InvalidTextRepresentationError,
    "22P03": InvalidBinaryRepresentationError,
    "22P04": BadCopyFileFormatError,
    "22P05": UntranslatableCharacterError,
    "22P06": NonstandardUseOfEscapeCharacterError,
    "23000": IntegrityConstraintViolationError,
    "23001": RestrictViolationError,
    "23502": NotNullViolationError,
    "23503": ForeignKeyViolationError,
    "23505": UniqueViolationError,
    "23514": CheckViolationError,
    "23P01": ExclusionViolationError,
    "24000": InvalidCursorStateError,
    "25000": InvalidTransactionStateError,
    "25001": ActiveSQLTransactionError,
    "25002": BranchTransactionAlreadyActiveError,
    "25003": InappropriateAccessModeForBranchTransactionError,
    "25004": InappropriateIsolationLevelForBranchTransactionError,
    "25005": NoActiveSQLTransactionForBranchTransactionError,
    "25006": ReadOnlySQLTransactionError,
    "25007": SchemaAndDataStatementMixingNotSupportedError,
    "25008": HeldCursorRequiresSameIsolationLevelError,
    "25P01": NoActiveSQLTransactionError,
    "25P02": InFailedSQLTransactionError,
    "25P03": IdleInTransactionSessionTimeoutError,
    "25P04": TransactionTimeoutError,
    "26000": InvalidSQLStatementNameError,
    "27000": TriggeredDataChangeViolationError,
    "28000": InvalidAuthorizationSpecificationError,
    "28P01": InvalidPasswordError,
    "2B000": DependentPrivilegeDescriptorsStillExistError,
    "2BP01": DependentObjectsStillExistError,
    "2D000": InvalidTransactionTerminationError,
    "2F000": SQLRoutineError,
    "2F002": ModifyingSQLDataNotPermittedError,
    "2F003": ProhibitedSQLStatementAttemptedError,
    "2F004": ReadingSQLDataNotPermittedError,
    "2F005": FunctionExecutedNoReturnStatementError,
    "34000": InvalidCursorNameError,
    "38000": ExternalRoutineError,
    "38001": ContainingSQLNotPermittedError,
    "38002": ModifyingExternalRoutineSQLDataNotPermittedError,
    "38003": ProhibitedExternalRoutineSQLStatementAttemptedError,
    "38004": ReadingExternalRoutineSQLDataNotPermittedError,
    "39000": ExternalRoutineInvocationError,
    "39001": InvalidSqlstateReturnedError,
    "39004": NullValueInExternalRoutineNotAllowedError,
    "39P01": TriggerProtocolViolatedError,
    "39P02": SrfProtocolViolatedError,
    "39P03": EventTriggerProtocolViolatedError,
    "3B000": SavepointError,
    "3B001": InvalidSavepointSpecificationError,
    "3D000": InvalidCatalogNameError,
    "3F000": InvalidSchemaNameError,
    "40000": TransactionRollbackError,
    "40001": SerializationError,
    "40002": TransactionIntegrityConstraintViolationError,
    "40003": StatementCompletionUnknownError,
    "40P01": DeadlockDetectedError,
    "42000": SyntaxOrAccessError,
    "42501": InsufficientPrivilegeError,
    "42601": PostgresSyntaxError,
    "42602": InvalidNameError,
    "42611": InvalidColumnDefinitionError,
    "42622": NameTooLongError,
    "42701": DuplicateColumnError,
    "42702": AmbiguousColumnError,
    "42703": UndefinedColumnError,
    "42704": UndefinedObjectError,
    "42710": DuplicateObjectError,
    "42712": DuplicateAliasError,
    "42723": DuplicateFunctionError,
    "42725": AmbiguousFunctionError,
    "42803": GroupingError,
    "42804": DatatypeMismatchError,
    "42809": WrongObjectTypeError,
    "42830": InvalidForeignKeyError,
    "42846": CannotCoerceError,
    "42883": UndefinedFunctionError,
    "428C9": GeneratedAlwaysError,
    "42939": ReservedNameError,
    "42P01": UndefinedTableError,
    "42P02": UndefinedParameterError,
    "42P03": DuplicateCursorError,
    "42P04": DuplicateDatabaseError,
    "42P05": DuplicatePreparedStatementError,
    "42P06": DuplicateSchemaError,
    "42P07": DuplicateTableError,
    "42P08": AmbiguousParameterError,
    "42P09": AmbiguousAliasError,
    "42P10": InvalidColumnReferenceError,
    "42P11": InvalidCursorDefinitionError,
    "42P12": InvalidDatabaseDefinitionError,
    "42P13": InvalidFunctionDefinitionError,
    "42P14": InvalidPreparedStatementDefinitionError,
    "42P15": InvalidSchemaDefinitionError,
    "42P16": InvalidTableDefinitionError,
    "42P17": InvalidObjectDefinitionError,
    "42P18": IndeterminateDatatypeError,
    "42P19": InvalidRecursionError,
    "42P20": WindowingError,
    "42P21": CollationMismatchError,
    "42P22": IndeterminateCollationError,
    "44000": WithCheckOptionViolationError,
    "53000": InsufficientResourcesError,
    "53100": DiskFullError,
    "53200": OutOfMemoryError,
    "53300": TooManyConnectionsError,
    "53400": ConfigurationLimitExceededError,
    "54000": ProgramLimitExceededError,
    "54001": StatementTooComplexError,
    "54011": TooManyColumnsError,
    "54023": TooManyArgumentsError,
    "55000": ObjectNotInPrerequisiteStateError,
    "55006": ObjectInUseError,
    "55P02": CantChangeRuntimeParamError,
    "55P03": LockNotAvailableError,
    "55P04": UnsafeNewEnumValueUsageError,
    "57000": OperatorInterventionError,
    "57014": QueryCanceledError,
    "57P01": AdminShutdownError,
    "57P02": CrashShutdownError,
    "57P03": CannotConnectNowError,
    "57P04": DatabaseDroppedError,
    "57P05": IdleSessionTimeoutError,
    "58000": PostgresSystemError,
    "58030": PostgresIOError,
    "58P01": UndefinedFileError,
    "58P02": DuplicateFileError,
    "58P03": FileNameTooLongError,
    "72000": SnapshotTooOldError,
    "F0000": ConfigFileError,
    "F0001": LockFileExistsError,
    "HV000": FDWError,
    "HV001": FDWOutOfMemoryError,
    "HV002": FDWDynamicParameterValueNeededError,
    "HV004": FDWInvalidDataTypeError,
    "HV005": FDWColumnNameNotFoundError,
    "HV006": FDWInvalidDataTypeDescriptorsError,
    "HV007": FDWInvalidColumnNameError,
    "HV008": FDWInvalidColumnNumberError,
    "HV009": FDWInvalidUseOfNullPointerError,
    "HV00A": FDWInvalidStringFormatError,
    "HV00B": FDWInvalidHandleError,
    "HV00C": FDWInvalidOptionIndexError,
    "HV00D": FDWInvalidOptionNameError,
    "HV00J": FDWOptionNameNotFoundError,
    "HV00K": FDWReplyHandleError,
    "HV00L": FDWUnableToCreateExecutionError,
    "HV00M": FDWUnableToCreateReplyError,
    "HV00N": FDWUnableToEstablishConnectionError,
    "HV00P": FDWNoSchemasError,
    "HV00Q": FDWSchemaNotFoundError,
    "HV00R": FDWTableNotFoundError,
    "HV010": FDWFunctionSequenceError,
    "HV014": FDWTooManyHandlesError,
    "HV021": FDWInconsistentDescriptorInformationError,
    "HV024": FDWInvalidAttributeValueError,
    "HV090": FDWInvalidStringLengthOrBufferLengthError,
    "HV091": FDWInvalidDescriptorFieldIdentifierError,
    "P0000": PLPGSQLError,
    "P0001": RaiseError,
    "P0002": NoDataFoundError,
    "P0003": TooManyRowsError,
    "P0004": AssertError,
    "XX000": InternalServerError,
    "XX001": DataCorruptedError,
    "XX002": IndexCorruptedError,
}

BY_PREFIX: dict[str, type[_errors.Error | _errors.Warning]] = {
    "25006": _errors.OperationalError,
    "25P03": _errors.OperationalError,
    "25P04": _errors.OperationalError,
    "01": _errors.Warning,
    "02": _errors.Warning,
    "08": _errors.OperationalError,
    "0A": _errors.NotSupportedError,
    "10": _errors.ProgrammingError,
    "20": _errors.ProgrammingError,
    "21": _errors.ProgrammingError,
    "22": _errors.DataError,
    "23": _errors.IntegrityError,
    "24": _errors.InternalError,
    "25": _errors.InternalError,
    "26": _errors.ProgrammingError,
    "27": _errors.OperationalError,
    "28": _errors.OperationalError,
    "2B": _errors.InternalError,
    "2D": _errors.InternalError,
    "2F": _errors.OperationalError,
    "34": _errors.ProgrammingError,
    "38": _errors.OperationalError,
    "39": _errors.OperationalError,
    "3B": _errors.OperationalError,
    "3D": _errors.ProgrammingError,
    "3F": _errors.ProgrammingError,
    "40": _errors.OperationalError,
    "42": _errors.ProgrammingError,
    "44": _errors.ProgrammingError,
    "53": _errors.OperationalError,
    "54": _errors.OperationalError,
    "55": _errors.OperationalError,
    "57": _errors.OperationalError,
    "58": _errors.OperationalError,
    "F": _errors.OperationalError,
    "H": _errors.OperationalError,
    "P": _errors.ProgrammingError,
    "X": _errors.InternalError,
}
